-- How long what is about people is kept: events by kind, customers who are in touch no more, the audit log.

-- What a tenant wants. What it wrote last counts a day later, so that a slip of the hand can be taken back.
create table retentions (
    tenant_id uuid primary key references tenants (id) on delete cascade,
    -- Days by what is kept; what is absent is kept for ever.
    in_force jsonb not null default '{}',
    next jsonb not null,
    next_from timestamptz not null,
    -- When what is past its days is next removed, and when it last was.
    next_at timestamptz not null,
    last_at timestamptz,
    -- The last write whose contacts are in `last_contacts`.
    contacts_batch bigint not null default 0,
    -- Rows were removed, and copies of them (snapshots, files that came in) may be left.
    has_copies boolean not null default false,
    updated_at timestamptz not null default now()
);
create index retentions_due on retentions (next_at);

-- When somebody was last in touch, kept beyond the events that told it. Without a contact, `since` counts: when the
-- customer became known.
create table last_contacts (
    tenant_id uuid not null references tenants (id) on delete cascade,
    customer_id text not null check (length(customer_id) between 1 and 512),
    since timestamptz not null,
    contact_at timestamptz,
    primary key (tenant_id, customer_id)
);
create index last_contacts_at on last_contacts (tenant_id, (coalesce(contact_at, since)));

do $$
declare
    name text;
begin
    foreach name in array array['retentions', 'last_contacts'] loop
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

-- Workers see whose day has come, and nothing else of it.
create policy due on retentions for select to clew_worker using (true);
grant select (tenant_id, next_at) on retentions to clew_worker;

-- Where the chain of the log begins: the last entry that was removed. The application still adds to the log and does
-- nothing else; a worker removes, of the tenant that is set, what is older than half a year, whatever it is asked to.
alter table audit_heads
    add column anchor_seq bigint not null default 0,
    add column anchor_hash bytea not null default decode(repeat('00', 32), 'hex'),
    add constraint audit_heads_anchor check (anchor_seq between 0 and seq and octet_length(anchor_hash) = 32);
create policy expiry on audit to clew_worker
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid and at < now() - interval '180 days');
create policy expiry on audit_heads to clew_worker
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid);
grant select (tenant_id, seq, at), delete on audit to clew_worker;
grant select (tenant_id), update (anchor_seq, anchor_hash) on audit_heads to clew_worker;

-- Drops the partition of a month that holds nothing at all, of no tenant; says whether it did. Called by the owner of
-- the tables. A file without a single page is known to be empty without anybody's rows being looked at.
create function clew_events_month_drop(month date) returns boolean
language plpgsql
set search_path = pg_catalog, public
set lock_timeout = '1s'
as $$
declare
    partition text := 'events_' || to_char(date_trunc('month', month), 'YYYY_MM');
begin
    -- Those who are about to write events of whatever month hold it shared.
    if to_regclass('public.' || quote_ident(partition)) is null
        or not pg_try_advisory_xact_lock(hashtextextended('clew_events_month_drop', 0)) then
        return false;
    end if;
    execute format('lock table public.%I in access exclusive mode', partition);
    if pg_relation_size(to_regclass('public.' || quote_ident(partition))) > 0 then
        return false;
    end if;
    execute format('drop table public.%I', partition);
    return true;
exception when lock_not_available then
    return false;
end
$$;
