-- Roles. The service takes one of them at the start of each transaction; none of them owns a table, can log in,
-- or bypasses row-level security. Roles belong to the whole cluster, so each may be there already, or be made by
-- another database's migration at this very moment.
do $$
declare
    name text;
begin
    foreach name in array array['clew_app', 'clew_operator', 'clew_worker', 'clew_auth'] loop
        if not exists (select from pg_roles where rolname = name) then
            begin
                execute format('create role %I nologin nosuperuser nobypassrls nocreatedb nocreaterole noinherit', name);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
        -- A superuser is a member of every role; another owner must be made one, to be able to take the role.
        if not pg_has_role(current_user, name, 'member') then
            execute format('grant %I to %I', name, current_user);
        end if;
    end loop;
end
$$;

grant usage on schema public to clew_app, clew_operator, clew_worker, clew_auth;
alter default privileges revoke execute on functions from public;
