//! Postgres (every SQL statement of the project), files in, and the object store (snapshots, fitted models).
