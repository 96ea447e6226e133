-- What the service logs in as, once the owner of the tables has brought the schema up to date: a role of this database
-- that owns nothing and may only take the four roles of 0001. Its password is made here and known to the owner
-- alone: nobody is granted the table, and every process of the service finds the same one.
create table service_login (
    is_only boolean primary key default true check (is_only),
    password text not null check (length(password) = 64)
);
alter table service_login enable row level security;
insert into service_login (password)
    values (encode(sha256(convert_to(gen_random_uuid()::text || gen_random_uuid()::text, 'UTF8')), 'hex'));
