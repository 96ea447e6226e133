//! Brings a file into the tenant's tables: COPY into a temporary table, then one insert, all or nothing.
