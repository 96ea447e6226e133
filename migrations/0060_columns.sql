-- What a column of customers or products may be used for: the guess made from its name and values when it came in,
-- which only ever gets stricter, and the class that was declared, which goes before it. `learn` is an owner's leave to
-- learn from a sensitive column.
alter table attributes
    add column guess text check (guess in ('plain', 'personal', 'identifier', 'sensitive')),
    add column class text check (class in ('plain', 'personal', 'identifier', 'sensitive')),
    add column learn boolean not null default false,
    add constraint attributes_learn check (not learn or coalesce(class = 'sensitive', false)),
    add constraint attributes_class
        check (entity = 'customers' or coalesce(class in ('plain', 'identifier'), true));

-- Customers under which nothing is learned of an attribute's value, and nothing told of a group that closed columns mark
-- off.
alter table tenants add column minimum_support integer not null default 20
    check (minimum_support between 10 and 100000);
grant update (minimum_support) on tenants to clew_app;
