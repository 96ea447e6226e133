-- The service asks at its start, and whenever it is asked whether it is ready, how far the schema is.
grant select on _sqlx_migrations to clew_app;
