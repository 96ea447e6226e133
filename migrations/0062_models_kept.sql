-- How many models a tenant keeps: when a training ends, the oldest beyond them go, but never the one that answers.
alter table tenants add column models_kept integer not null default 10 check (models_kept between 2 and 1000);
grant update (models_kept) on tenants to clew_app;

-- Marked in the transaction of the training that made it one too many. From then on it is not there for anybody; its
-- file and then its row are deleted by a job.
alter table models
    add column removed_at timestamptz,
    add constraint models_active_is_kept check (not active or removed_at is null);
create index models_removed on models (tenant_id) where removed_at is not null;
