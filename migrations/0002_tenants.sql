-- Tenants, and the keys that speak for them.

create table tenants (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    currency text not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
    -- Signs the tenant's cursors, so that one made up or taken from another tenant is refused.
    secret bytea not null check (octet_length(secret) = 32),
    -- The number of the last write to customers, products, events or campaigns. Taken under this row's lock in
    -- the transaction of the write, so that the order of commits is the order of batches.
    last_batch bigint not null default 0,
    created_at timestamptz not null default now()
);
alter table tenants enable row level security;
alter table tenants force row level security;
create policy own on tenants to clew_app
    using (id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (id = nullif(current_setting('clew.tenant', true), '')::uuid);
create policy operators on tenants to clew_operator using (true) with check (true);
grant select, update (last_batch) on tenants to clew_app;
grant select, insert, update on tenants to clew_operator;

-- A key is looked up by its id across tenants, by clew_auth alone; the unique index begins with the tenant all
-- the same, since a global one would tell that a foreign row exists.
create table keys (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    name text not null check (length(name) between 1 and 200),
    "right" text not null check ("right" in ('ingest', 'reader', 'marketer', 'owner')),
    hash bytea not null check (octet_length(hash) = 32),
    last_four text not null check (length(last_four) = 4),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    primary key (tenant_id, id)
);
create index keys_id on keys (id);
alter table keys enable row level security;
alter table keys force row level security;
create policy own on keys to clew_app
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid);
create policy look_up on keys for select to clew_auth using (true);
create policy last_use on keys for update to clew_auth using (true) with check (true);
grant select, insert, update, delete on keys to clew_app;
grant select, update (last_used_at) on keys to clew_auth;

-- Operators' keys have no tenant.
create table operator_keys (
    id uuid primary key,
    name text not null check (length(name) between 1 and 200),
    hash bytea not null check (octet_length(hash) = 32),
    last_four text not null check (length(last_four) = 4),
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
alter table operator_keys enable row level security;
alter table operator_keys force row level security;
create policy operators on operator_keys to clew_operator using (true) with check (true);
create policy look_up on operator_keys for select to clew_auth using (true);
create policy last_use on operator_keys for update to clew_auth using (true) with check (true);
grant select, insert, update on operator_keys to clew_operator;
grant select, update (last_used_at) on operator_keys to clew_auth;

-- What was answered to a request that carried an Idempotency-Key, written in the transaction of its effect.
-- Operators' requests are kept under the nil tenant.
create table idempotency (
    tenant_id uuid not null,
    key text not null check (length(key) between 1 and 255),
    operation text not null,
    body_hash bytea not null check (octet_length(body_hash) = 32),
    status smallint,
    headers jsonb not null default '[]',
    body bytea not null default '',
    created_at timestamptz not null default now(),
    primary key (tenant_id, key)
);
create index idempotency_created_at on idempotency (created_at);
alter table idempotency enable row level security;
alter table idempotency force row level security;
create policy own on idempotency to clew_app
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid);
create policy operators on idempotency to clew_operator
    using (tenant_id = '00000000-0000-0000-0000-000000000000')
    with check (tenant_id = '00000000-0000-0000-0000-000000000000');
-- The worker's housekeeping removes what is older than a day; it reads the age alone.
create policy expiry_read on idempotency for select to clew_worker using (true);
create policy expiry on idempotency for delete to clew_worker using (true);
grant select, insert, update, delete on idempotency to clew_app, clew_operator;
grant select (created_at), delete on idempotency to clew_worker;
