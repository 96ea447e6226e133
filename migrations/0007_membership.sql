-- An owner that is no superuser must be able to take the service's roles. From Postgres 16 on, whoever creates a
-- role is a member of it that may grant it but not take it, so the grant is made whether it seems needed or not.
do $$
declare
    name text;
begin
    if (select rolsuper from pg_roles where rolname = current_user) then
        return;
    end if;
    foreach name in array array['clew_app', 'clew_operator', 'clew_worker', 'clew_auth'] loop
        begin
            execute format('grant %I to %I', name, current_user);
        exception when insufficient_privilege then
            -- The roles were made, and granted, by somebody else; readiness tells when they were not.
            raise notice 'role % is not ours to grant', name;
        end;
    end loop;
end
$$;
