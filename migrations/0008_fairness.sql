-- When each tenant was last served, for claims that go round.
create index jobs_served on jobs (tenant_id, started_at desc) where started_at is not null;
