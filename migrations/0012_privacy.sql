-- What it takes to find, hand over and erase one person: where its events lie, what was erased, and what must not
-- come back.

-- To find one customer's events without reading everybody's.
create index events_customer on events (tenant_id, customer_id);

-- Raised whenever rows are taken away. A copy of the rows (a snapshot) of an earlier epoch may still hold what is
-- gone: it is made anew and deleted.
alter table tenants add column epoch bigint not null default 0;
grant update (epoch) on tenants to clew_app;

-- The erased, by a keyed hash of their ids alone: enough to refuse them when they come again.
create table erased_customers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    hash bytea not null check (octet_length(hash) = 32),
    erased_at timestamptz not null default now(),
    primary key (tenant_id, hash)
);

-- Receipts of erasures. They name nobody.
create table erasures (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    customer_hash bytea not null check (octet_length(customer_hash) = 32),
    job_id uuid not null,
    -- Each place, how much was there, and when it was cleared.
    places jsonb not null,
    requested_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index erasures_hash on erasures (tenant_id, customer_hash);
create index erasures_job on erasures (tenant_id, job_id);

-- Whether an owner lets erased customers come back with this file; and when its copies in the object store were
-- cleared.
alter table imports add column readmit_erased boolean not null default false;
alter table imports add column cleared_at timestamptz;

do $$
declare
    name text;
begin
    foreach name in array array['erased_customers', 'erasures'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own on %I to clew_app
                using (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)
                with check (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)', name);
    end loop;
end
$$;
grant select, insert, delete on erased_customers to clew_app;
grant select, insert, update on erasures to clew_app;
