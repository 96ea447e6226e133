-- Accounts at an outside OpenID provider with which members sign in. An account is known by issuer and subject, which
-- the provider never gives to anybody else; its e-mail may change, or be given to another.
create table openid_accounts (
    tenant_id uuid not null,
    issuer text not null check (length(issuer) between 1 and 500),
    -- At most 255 ASCII characters (OpenID Connect Core 1.0, section 2).
    subject text not null check (length(subject) between 1 and 255),
    member_id uuid not null,
    created_at timestamptz not null,
    primary key (tenant_id, issuer, subject),
    -- Who takes over an e-mail at the provider does not take over its member here.
    constraint openid_accounts_member unique (tenant_id, member_id, issuer),
    foreign key (tenant_id, member_id) references members (tenant_id, id) on delete cascade
);
-- For the sign-in, which knows no tenant yet.
create index openid_accounts_by_subject on openid_accounts (subject, issuer);
alter table openid_accounts enable row level security;
alter table openid_accounts force row level security;
create policy own on openid_accounts to clew_app
    using (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid)
    with check (tenant_id = nullif(current_setting('clew.tenant', true), '')::uuid);
grant select, insert, update, delete on openid_accounts to clew_app;
create policy look_up on openid_accounts for select to clew_auth using (true);
grant select (tenant_id, issuer, subject, member_id) on openid_accounts to clew_auth;
