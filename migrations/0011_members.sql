-- People who sign in, their sessions, and keys that replace one another.

-- A tenant whose data are made up says so in its keys (`clew_test_…`), so that one found where it should not be
-- tells whether real customers stand behind it.
alter table tenants add column mode text not null default 'live' check (mode in ('live', 'test'));

-- The key that was made to take this one's place; it has one at most.
alter table keys add column successor_id uuid;
alter table operator_keys add column successor_id uuid;

create table members (
    tenant_id uuid not null references tenants (id) on delete cascade,
    id uuid not null,
    -- In lower case. One person may be a member of several tenants, of which none learns.
    email text not null check (length(email) between 3 and 254 and email = lower(email)),
    name text check (length(name) between 1 and 200),
    "right" text not null check ("right" in ('reader', 'marketer', 'owner')),
    -- Argon2id as a PHC string; none until the invitation is taken up.
    password_hash text,
    -- SHA-256 of an invitation that may set the password, once.
    invitation_hash bytea check (octet_length(invitation_hash) = 32),
    invitation_expires_at timestamptz,
    created_at timestamptz not null default now(),
    last_sign_in_at timestamptz,
    primary key (tenant_id, id),
    constraint members_email unique (tenant_id, email),
    constraint members_invitation check ((invitation_hash is null) = (invitation_expires_at is null))
);
-- For the sign-in, which knows no tenant yet.
create index members_by_email on members (email);

-- What one sign-in began: the family of its refresh tokens.
create table sessions (
    tenant_id uuid not null,
    id uuid not null,
    member_id uuid not null,
    created_at timestamptz not null,
    -- However often it is refreshed.
    expires_at timestamptz not null,
    ended_at timestamptz,
    primary key (tenant_id, id),
    foreign key (tenant_id, member_id) references members (tenant_id, id) on delete cascade
);
create index sessions_of_member on sessions (tenant_id, member_id);

-- Used ones are kept as long as their session, to know a stolen one by its second use.
create table refresh_tokens (
    tenant_id uuid not null,
    hash bytea not null check (octet_length(hash) = 32),
    session_id uuid not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    primary key (tenant_id, hash),
    foreign key (tenant_id, session_id) references sessions (tenant_id, id) on delete cascade
);
create index refresh_tokens_of_session on refresh_tokens (tenant_id, session_id);

do $$
declare
    name text;
begin
    foreach name in array array['members', 'sessions', 'refresh_tokens'] loop
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

-- The sign-in looks up whose an e-mail is; everything after that is within the tenant.
create policy look_up on members for select to clew_auth using (true);
grant select (tenant_id, id, email, password_hash) on members to clew_auth;

-- How often somebody failed to sign in: to an account, from an address, to an account from an address. The place
-- is a keyed hash, so that the table tells neither e-mails nor addresses.
create table sign_in_attempts (
    place bytea primary key check (octet_length(place) = 32),
    n_failed integer not null,
    last_at timestamptz not null,
    -- No further attempt before this.
    next_at timestamptz not null,
    -- Somebody signed in to this account from this address.
    known boolean not null default false
);
create index sign_in_attempts_last_at on sign_in_attempts (last_at);
alter table sign_in_attempts enable row level security;
alter table sign_in_attempts force row level security;
create policy sign_in on sign_in_attempts to clew_auth using (true) with check (true);
grant select, insert, update, delete on sign_in_attempts to clew_auth;
