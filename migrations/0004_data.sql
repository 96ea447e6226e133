-- What tenants send: customers, products, campaigns, events. No foreign key leads from here to tenants: every
-- write takes the tenant's row for its batch number, which proves the tenant, and a check per row would be felt
-- at tens of millions. Nor from events to customers and products: an orphan is kept, its product may come later.

create table customers (
    tenant_id uuid not null,
    id text not null check (length(id) between 1 and 512),
    attributes jsonb not null default '{}',
    batch bigint not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index customers_batch on customers (tenant_id, batch);

create table products (
    tenant_id uuid not null,
    id text not null check (length(id) between 1 and 512),
    attributes jsonb not null default '{}',
    batch bigint not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index products_batch on products (tenant_id, batch);

create table campaigns (
    tenant_id uuid not null,
    id text not null check (length(id) between 1 and 512),
    sent_at timestamptz,
    attributes jsonb not null default '{}',
    batch bigint not null,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id)
);
create index campaigns_batch on campaigns (tenant_id, batch);

-- Partitioned by month. event_key is a hash of the event's id, or of all its fields when it has none: the same
-- event sent twice is one row.
create table events (
    tenant_id uuid not null,
    occurred_at timestamptz not null,
    event_key bytea not null check (octet_length(event_key) = 16),
    batch bigint not null,
    quantity double precision,
    revenue double precision,
    kind text not null check (length(kind) between 1 and 64),
    customer_id text not null check (length(customer_id) between 1 and 512),
    product_id text,
    campaign_id text,
    basket_id text,
    query text,
    attributes jsonb,
    primary key (tenant_id, occurred_at, event_key)
) partition by range (occurred_at);
create index events_batch on events (tenant_id, batch);

-- Makes the partition of a month, walled like its parent, when it is not there. Called by the owner of the
-- tables. It is attached after it is made, since that lets reads and writes of the other months go on.
create function clew_events_month(month date) returns boolean
language plpgsql
set search_path = pg_catalog, public
as $$
declare
    first date := date_trunc('month', month)::date;
    next date := (date_trunc('month', month) + interval '1 month')::date;
    partition text := 'events_' || to_char(first, 'YYYY_MM');
begin
    if first < date '1970-01-01' or first >= date '2100-01-01' then
        raise exception 'no events before 1970 or after 2099' using errcode = 'datetime_field_overflow';
    end if;
    perform pg_advisory_xact_lock(hashtextextended('clew_events_month', 0));
    if to_regclass('public.' || quote_ident(partition)) is not null then
        return false;
    end if;
    execute format('create table public.%I (like public.events including all)', partition);
    execute format('alter table public.%I enable row level security', partition);
    execute format('alter table public.%I force row level security', partition);
    execute format(
        'create policy own on public.%I to clew_app
            using (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)
            with check (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)',
        partition);
    execute format(
        'alter table public.events attach partition public.%I for values from (%L) to (%L)',
        partition, first::timestamp at time zone 'UTC', next::timestamp at time zone 'UTC');
    return true;
end
$$;

-- Weights of the tenant's own kinds of events.
create table event_kinds (
    tenant_id uuid not null references tenants (id) on delete cascade,
    kind text not null check (length(kind) between 1 and 64),
    weight double precision not null,
    primary key (tenant_id, kind)
);

-- The type that the values of an attribute were found to have.
create table attributes (
    tenant_id uuid not null references tenants (id) on delete cascade,
    entity text not null check (entity in ('customers', 'products', 'events', 'campaigns')),
    name text not null check (length(name) between 1 and 200),
    type text not null check (type in ('number', 'text', 'tags', 'bool', 'date')),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, entity, name)
);

-- Running totals, kept in the transaction of each write, so that counting does not read the rows. `kind` is the
-- kind of event, and empty for what has none.
create table data_counts (
    tenant_id uuid not null references tenants (id) on delete cascade,
    entity text not null check (entity in ('customers', 'products', 'events', 'campaigns')),
    kind text not null default '',
    n_rows bigint not null default 0,
    n_duplicates bigint not null default 0,
    n_rejected bigint not null default 0,
    first_at timestamptz,
    last_at timestamptz,
    updated_at timestamptz not null default now(),
    primary key (tenant_id, entity, kind)
);

-- Files that came in. What became of one is its job's to say.
create table imports (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    entity text not null check (entity in ('customers', 'products', 'events', 'campaigns')),
    job_id uuid not null,
    -- The file's name in the object store, and what its sender said of it.
    object text not null,
    size_bytes bigint not null,
    format text,
    compression text,
    mapping jsonb not null default '{}',
    accepted bigint,
    rejected bigint,
    duplicates bigint,
    orphans bigint,
    -- The columns with the types that were inferred.
    columns jsonb,
    -- The list of rejected lines, in the object store.
    rejected_object text,
    batch bigint,
    created_at timestamptz not null default now(),
    finished_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id)
);
create index imports_job on imports (tenant_id, job_id);

-- Snapshots: the columnar copies. `batch` is the last write that is in it.
create table snapshots (
    tenant_id uuid not null references tenants (id) on delete cascade,
    version bigint not null,
    batch bigint not null,
    object text not null,
    size_bytes bigint not null default 0,
    info jsonb not null default '{}',
    created_at timestamptz not null default now(),
    primary key (tenant_id, version)
);

do $$
declare
    name text;
begin
    foreach name in array array['customers', 'products', 'campaigns', 'events', 'event_kinds', 'attributes',
        'data_counts', 'imports', 'snapshots'] loop
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
