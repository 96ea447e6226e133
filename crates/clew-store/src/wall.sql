-- Every breach of the wall: the rule, and where it is broken. Nothing is to be found.
-- $1: tables that are not a tenant's; $2: the service's roles; $3: who looks across tenants, as `table role`.
with given as (select $1::text[] as without_tenant, $2::text[] as roles, $3::text[] as across_tenants),
-- What belongs to an extension is its maker's.
extended as (select objid from pg_depend where deptype = 'e' and classid in ('pg_class'::regclass, 'pg_proc'::regclass)),
relations as (
    select * from pg_class
    where relnamespace = 'public'::regnamespace and oid not in (select objid from extended)
),
tables as (select * from relations where relkind in ('r', 'p')),
tenant_tables as (select tables.* from tables, given where relname <> all (without_tenant)),
functions as (
    select * from pg_proc
    where pronamespace = 'public'::regnamespace and oid not in (select objid from extended)
),
roles as (select pg_roles.* from pg_roles, given where rolname = any (roles)),
policies as (
    select tablename::text as name, policyname, role::text as role, qual, with_check, permissive,
        replace('(tenant_id = (NULLIF(current_setting(''clew.tenant''::text, true), ''''::text))::uuid)',
            case tablename when 'tenants' then 'tenant_id' else '' end,
            case tablename when 'tenants' then 'id' else '' end) as own
    from pg_policies, unnest(roles) role
    where schemaname = 'public'
)

select 'every table has row-level security, forced' as rule, relname::text as place from tables
where relname not in ('_sqlx_migrations', 'service_login') and not (relrowsecurity and relforcerowsecurity)

union all
select 'every tenant table has a policy of the application''s role', relname from tenant_tables
where not exists (select from pg_policies where schemaname = 'public' and tablename = relname
    and roles = '{clew_app}' and cmd = 'ALL')

union all
select 'the application''s policies are of the tenant that is set, to the letter', name || ': ' || policyname
from policies
where role = 'clew_app'
    and (qual is distinct from own or with_check is distinct from own or permissive <> 'PERMISSIVE')

union all
select 'nobody looks across tenants but those who must', name || ': ' || role from policies, given
where role <> 'clew_app' and (name || ' ' || role) <> all (across_tenants)

union all
select 'every tenant table has a tenant_id that is never null', relname from tenant_tables
where not exists (select from pg_attribute where attrelid = tenant_tables.oid and attname = 'tenant_id'
    and attnotnull and atttypid = 'uuid'::regtype)

union all
select 'every table has a primary key', relname from tables
where not exists (select from pg_index where indrelid = tables.oid and indisprimary)

union all
select 'every unique index of a tenant table begins with tenant_id', indexrelid::regclass::text
from pg_index join tenant_tables on tenant_tables.oid = indrelid
where indisunique
    and (select attname from pg_attribute where attrelid = indrelid and attnum = indkey[0])
        is distinct from 'tenant_id'

union all
select 'every foreign key of a tenant table begins with tenant_id on both sides', conname
from pg_constraint join tenant_tables on tenant_tables.oid = conrelid join pg_class to_table on to_table.oid = confrelid
where contype = 'f'
    and ((select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1])
            is distinct from 'tenant_id'
        or (select attname from pg_attribute where attrelid = confrelid and attnum = confkey[1])
            is distinct from (case to_table.relname when 'tenants' then 'id' else 'tenant_id' end))

union all
select 'no exclusion constraints, which tell of foreign rows as unique ones do', conname
from pg_constraint where contype = 'x' and connamespace = 'public'::regnamespace

union all
select 'no views without security_invoker, no materialised views, no foreign tables', relname from relations
where relkind in ('m', 'f') or (relkind = 'v' and not coalesce(reloptions @> '{security_invoker=true}', false))

union all
select 'no security definer', proname from functions where prosecdef

union all
select 'no function that the service or everybody may call', proname from functions
where has_function_privilege('public', oid, 'execute')
    or exists (select from roles where has_function_privilege(roles.oid, functions.oid, 'execute'))

union all
select 'no rewrite rules but those of views', rulename
from pg_rewrite join relations on relations.oid = ev_class where relkind <> 'v'

union all
select 'the service''s roles are there', role from given, unnest(roles) role
where not exists (select from pg_roles where rolname = role)

union all
select 'the service''s roles bypass nothing, make nothing, cannot log in and inherit nothing', rolname from roles
where rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolcanlogin or rolinherit
    or exists (select from pg_auth_members where member = roles.oid)

union all
select 'the service''s roles own nothing', relname from pg_class join roles on roles.oid = relowner
where relnamespace = 'public'::regnamespace

union all
select 'the service''s roles make nothing in the schema', rolname from roles
where has_schema_privilege(roles.oid, 'public', 'create')

union all
select 'the service''s roles are granted select, insert, update, delete and nothing else, and nobody is granted all',
    relname || ' to ' || coalesce(roles.rolname, 'public') || ': ' || privilege_type
from relations
cross join lateral (
    select * from aclexplode(relacl)
    union all
    select granted.* from pg_attribute, aclexplode(attacl) granted where attrelid = relations.oid
) granted
left join roles on roles.oid = grantee
where grantee = 0
    or (roles.oid is not null and (privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE') or is_grantable))

union all
select 'partitions are reached through their parent alone', relname || ' to ' || roles.rolname
from tables cross join lateral aclexplode(relacl) granted join roles on roles.oid = grantee
where relispartition

union all
select 'the role that serves is no superuser, bypasses nothing, makes nothing and inherits nothing', rolname
from pg_roles
where rolname = session_user
    and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)

union all
select 'the role that serves owns nothing', session_user || ' with ' || count(*) || ' tables' from relations
where pg_has_role(session_user, relowner, 'member') having count(*) > 0

union all
select 'the role that serves may become the service''s roles alone', pg_roles.rolname
from pg_roles, given
where pg_has_role(session_user, pg_roles.oid, 'member') and pg_roles.rolname <> session_user
    and pg_roles.rolname <> all (roles)
    -- Who may do everything is found above, without a line for each role.
    and not (select rolsuper from pg_roles where rolname = session_user);
