-- The queue: a row per job. A worker claims a row for the length of a lease, and the attempt number fences a
-- worker whose lease went to another.

create table jobs (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    kind text not null check (length(kind) between 1 and 64),
    state text not null default 'queued' check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    payload jsonb not null,
    -- Raised at each claim.
    attempt integer not null default 0,
    -- A job whose worker is lost is tried again while attempt < max_attempts.
    max_attempts integer not null default 5,
    run_at timestamptz not null default now(),
    worker text,
    lease_until timestamptz,
    cancel_requested boolean not null default false,
    phase text,
    progress double precision not null default 0 check (progress between 0 and 1),
    eta_seconds double precision check (eta_seconds >= 0),
    error jsonb,
    result jsonb,
    -- The request that enqueued it, for the logs.
    request_id text,
    created_at timestamptz not null default now(),
    started_at timestamptz,
    finished_at timestamptz,
    primary key (tenant_id, id),
    check ((state = 'running') = (lease_until is not null)),
    check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
);
create index jobs_queued on jobs (tenant_id, run_at, id) where state = 'queued';
create index jobs_running on jobs (lease_until) where state = 'running';
alter table jobs enable row level security;
alter table jobs force row level security;
create policy own on jobs to clew_app
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid);
create policy queue_read on jobs for select to clew_worker using (true);
create policy queue_write on jobs for update to clew_worker using (true) with check (true);
grant select, insert, update, delete on jobs to clew_app;
grant select, update on jobs to clew_worker;
