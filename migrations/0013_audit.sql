-- The audit log: who did what, when, from where, to how many rows. The application may read it and add to it, and
-- nothing else. Each entry holds the hash of the one before it in its tenant's chain, so that an entry that is
-- changed, taken out or put in breaks the chain from there on. Operators' entries are kept under the nil tenant.

create table audit (
    tenant_id uuid not null,
    -- 1, 2, 3, … without a gap.
    seq bigint not null check (seq > 0),
    at timestamptz not null,
    actor text not null check (actor in ('key', 'member', 'operator', 'job', 'schedule', 'command')),
    actor_id uuid,
    -- The operation's id in the API document, the kind of a job, or the words of a command.
    operation text not null check (length(operation) between 1 and 64),
    -- The id of what it was done to; a tenant's own ids, which may be a person's, only as a keyed hash.
    resource text check (length(resource) between 1 and 200),
    address text,
    n_rows bigint not null check (n_rows >= 0),
    request_id uuid,
    prev bytea not null check (octet_length(prev) = 32),
    hash bytea not null check (octet_length(hash) = 32),
    primary key (tenant_id, seq)
);
create index audit_resource on audit (tenant_id, resource, seq) where resource is not null;

-- The end of each chain. Its row's lock is what puts a tenant's writers in line; kept beside the log, it shows when
-- the last entries were taken out.
create table audit_heads (
    tenant_id uuid primary key,
    seq bigint not null check (seq >= 0),
    hash bytea not null check (octet_length(hash) = 32)
);

do $$
declare
    name text;
begin
    foreach name in array array['audit', 'audit_heads'] loop
        execute format('alter table %I enable row level security', name);
        execute format('alter table %I force row level security', name);
        execute format(
            'create policy own on %I to clew_app
                using (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)
                with check (tenant_id = nullif(current_setting(''clew.tenant'', true), '''')::uuid)', name);
        execute format(
            'create policy operators on %I to clew_operator
                using (tenant_id = ''00000000-0000-0000-0000-000000000000'')
                with check (tenant_id = ''00000000-0000-0000-0000-000000000000'')', name);
        execute format('grant select, insert on %I to clew_app, clew_operator', name);
    end loop;
end
$$;
grant update (seq, hash) on audit_heads to clew_app, clew_operator;
