-- What marketers write: offers, segments, rules; and what is learned for them: models.

create table offers (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    expression text check (length(expression) between 1 and 4096),
    product_ids text[],
    horizon_days integer check (horizon_days between 1 and 3660),
    margin double precision,
    cost_per_contact double precision,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint offers_selection check ((expression is null) <> (product_ids is null))
);

create table segments (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    expression text not null check (length(expression) between 1 and 4096),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);

create table rules (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    scope text not null check (scope in ('customer', 'product', 'pair')),
    expression text not null check (length(expression) between 1 and 4096),
    reason text not null check (length(reason) between 1 and 500),
    enabled boolean not null default true,
    applies_to text[] not null,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);

-- A model is ready when it has an object; before that, and without one, its job says what became of it.
create table models (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    job_id uuid not null,
    as_of timestamptz,
    horizon_days integer not null check (horizon_days between 1 and 3660),
    seed bigint not null,
    params jsonb not null default '{}',
    -- The file's name in the object store: its content's hash.
    object text,
    size_bytes bigint,
    -- The last write that the model has seen.
    batch bigint,
    report jsonb,
    active boolean not null default false,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    activated_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id),
    constraint models_active_is_ready check (not active or object is not null)
);
create index models_job on models (tenant_id, job_id);
create unique index models_active on models (tenant_id) where active;

do $$
declare
    name text;
begin
    foreach name in array array['offers', 'segments', 'rules', 'models'] loop
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
