//! HTTP: routes, callers and rights, problems, OpenAPI.
