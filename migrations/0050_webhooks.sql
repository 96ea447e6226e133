-- Where a tenant wants to hear of what happens, and what was told to whom.

create table webhooks (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    url text not null check (length(url) between 1 and 2048),
    events text[] not null check (cardinality(events) > 0),
    enabled boolean not null default true,
    -- Signs what is sent. The one before it signs too until its time is over, so that a receiver can change it at leisure.
    secret bytea not null check (octet_length(secret) = 32),
    old_secret bytea check (octet_length(old_secret) = 32),
    old_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (tenant_id, id),
    constraint webhooks_old_ends check ((old_secret is null) = (old_until is null))
);

create table deliveries (
    tenant_id uuid not null,
    id uuid not null,
    webhook_id uuid not null,
    event text not null,
    -- What is sent, to the last byte: the signature is made of it, and it stays the same from try to try.
    body text not null,
    state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
    n_attempts integer not null default 0,
    -- What the last try met: the status of the answer, or why there was none.
    status smallint,
    error text,
    created_at timestamptz not null default now(),
    attempted_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, webhook_id) references webhooks (tenant_id, id) on delete cascade
);
create index deliveries_webhook on deliveries (tenant_id, webhook_id, id);
create index deliveries_created_at on deliveries (tenant_id, created_at);

do $$
declare
    name text;
begin
    foreach name in array array['webhooks', 'deliveries'] loop
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
