-- Models that are trained by themselves, why a model did or did not become the one that answers, and whether what
-- came since its training still looks like what it learned from.

create table schedules (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    -- Days between two trainings; none when only drift decides.
    every_days integer check (every_days between 1 and 365),
    -- Train when what came no longer looks like what the live model learned from.
    at_drift boolean not null,
    horizon_days integer not null check (horizon_days between 1 and 3660),
    -- When the next training is due.
    next_at timestamptz,
    -- The last model that it asked for.
    last_model_id uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint schedules_something check (every_days is not null or at_drift),
    constraint schedules_next check ((every_days is null) = (next_at is null))
);
create index schedules_due on schedules (next_at) where next_at is not null;

-- A tenant's last look at drift, against the model that answered then.
create table drifts (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    model_id uuid not null,
    -- The last write that was looked at.
    batch bigint not null,
    found jsonb not null,
    checked_at timestamptz not null default now()
);

-- A new model beside the one that answered when it was trained.
alter table models add column comparison jsonb;

do $$
declare
    name text;
begin
    foreach name in array array['schedules', 'drifts'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own on %I to clew_app
                using (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)
                with check (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)', name);
        execute format('grant select, insert, update, delete on %I to clew_app', name);
    end loop;
end
$$;

-- Workers see whose training is due, and nothing else of it.
create policy due on schedules for select to clew_worker using (true);
grant select (tenant_id, next_at) on schedules to clew_worker;
