//! Every setting of clew: its name, its default, what it is for. The struct, the layering, `clew config` and
//! the table in `deploy/CONFIGURATION.md` all come from this one list.

use std::path::PathBuf;

use secrecy::SecretString;

use super::value::{Address, Level, LogFormat, Megabytes, Networks, Origins, Seconds, Setting};

/// What a person reading the table needs to know of one setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described {
    /// The name in `clew.toml`; in the environment `CLEW_` and the name in capitals.
    pub(crate) name: &'static str,
    /// The default as one would write it; empty when there is none.
    pub(crate) default: &'static str,
    /// What a value looks like.
    pub(crate) form: &'static str,
    /// What it is for.
    pub(crate) meaning: &'static str,
    /// Whether the value must never be shown.
    pub(crate) secret: bool,
}

macro_rules! settings {
    ($($(#[doc = $meaning:literal])+ $name:ident: $type:ty = $default:literal;)+) => {
        /// The effective configuration.
        #[derive(Debug, Clone)]
        pub(crate) struct Config { $($(#[doc = $meaning])+ pub(crate) $name: $type,)+ }

        /// Every setting, in the order of the table.
        pub(crate) const SETTINGS: &[Described] = &[$(Described {
            name: stringify!($name),
            default: $default,
            form: <$type as Setting>::FORM,
            meaning: concat!($($meaning),+),
            secret: <$type as Setting>::SECRET,
        }),+];

        impl Config {
            /// Builds the configuration from what `find` knows of each name (`None`: the default holds).
            ///
            /// # Errors
            /// Every fault there is, not just the first: one message per setting.
            pub(crate) fn build(
                mut find: impl FnMut(&str) -> Result<Option<String>, String>,
            ) -> Result<Self, Vec<String>> {
                let mut faults = Vec::new();
                $(let $name = match find(stringify!($name)).and_then(|given| {
                    <$type as Setting>::parse(given.as_deref().unwrap_or($default))
                }) {
                    Ok(value) => Some(value),
                    Err(fault) => { faults.push(format!(concat!(stringify!($name), ": {}"), fault)); None }
                };)+
                match ($($name,)+) {
                    ($(Some($name),)+) if faults.is_empty() => Ok(Self { $($name,)+ }),
                    _ => Err(faults),
                }
            }

            /// Every setting with its effective value as text; a secret shows as `[hidden]` or, unset, as nothing.
            pub(crate) fn shown(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($name), Setting::show(&self.$name)),)+]
            }
        }
    };
}

settings! {
    /// Postgres 15 or later. Without it clew starts a private Postgres under `data_dir`. `DATABASE_URL` is
    /// understood too and goes before `CLEW_DATABASE_URL`.
    database_url: Option<SecretString> = "";
    /// The address of the owner of the tables, for migrations and new months of events, when `database_url` is of a
    /// role that was made by hand for serving. Empty: `database_url` is the owner's, and clew makes itself the lesser
    /// role that it serves as.
    database_owner_url: Option<SecretString> = "";
    /// The most connections to Postgres of one process.
    database_connections: u16 = "10";
    /// Folder for what this process keeps on disk: the private Postgres, objects, downloaded models.
    data_dir: PathBuf = ".clew";
    /// Folder of the Postgres server binaries (`initdb`, `postgres`) for the private Postgres; found by itself
    /// on Debian-like machines.
    pg_bin: Option<PathBuf> = "";
    /// Where snapshots, models and uploads live: a folder, or `s3://bucket`. Servers and workers must
    /// see the same one. Empty: the folder `objects` under `data_dir`.
    objects: Option<String> = "";
    /// Endpoint of an S3-compatible store other than Amazon's.
    s3_endpoint: Option<String> = "";
    /// Region of the S3 store.
    s3_region: Option<String> = "";
    /// Access key id of the S3 store.
    s3_access_key_id: Option<String> = "";
    /// Secret access key of the S3 store.
    s3_secret_access_key: Option<SecretString> = "";
    /// Whether the S3 endpoint may be plain HTTP.
    s3_allow_http: bool = "false";
    /// Address and port that `clew serve` listens on; port 0 takes any free one.
    listen: Address = "127.0.0.1:8080";
    /// Proxies in front of the server, whose `X-Forwarded-For` is believed: addresses or networks, between commas.
    trusted_proxies: Networks = "";
    /// Origins whose pages may call the API from a browser, such as `https://app.example.com`, between commas.
    cors_origins: Origins = "";
    /// Networks that are not public and that webhooks may be sent to all the same, such as `10.1.0.0/16`, between commas.
    webhook_networks: Networks = "";
    /// Whether webhooks may be sent in plain HTTP.
    webhook_http: bool = "false";
    /// Address and port of a lone worker's `/healthz`, `/readyz` and `/metrics`; empty: none.
    work_listen: Option<Address> = "";
    /// Threads for arithmetic; 0: as many as there are cores. A worker in the same process has as many again, of the lowest priority.
    threads: u16 = "0";
    /// Memory for the models and histories that the server keeps open; about 3 GB for a shop of a million customers
    /// with 30 million events. Empty: half of what the machine or the container has.
    serving_memory: Option<Megabytes> = "";
    /// Secret that signs members' access tokens (HS256), at least 32 bytes; every server needs the same. Empty:
    /// the server draws its own at each start, which is enough for a lone one.
    token_secret: Option<SecretString> = "";
    /// The secret before it, whose tokens are still taken. To rotate: move it here, set a new one, and remove
    /// it a quarter of an hour after the last server has restarted.
    token_secret_old: Option<SecretString> = "";
    /// Address at which browsers reach this service, such as `https://clew.example.com`; signing in with OpenID needs it.
    public_url: Option<String> = "";
    /// Issuer of the OpenID provider that members may sign in with beside their passwords, as the provider writes it,
    /// such as `https://id.example.com/realms/shop`. `public_url` with a slash is the redirect address to register there.
    openid_issuer: Option<String> = "";
    /// The id under which the OpenID provider knows clew.
    openid_client_id: Option<String> = "";
    /// The secret that clew proves itself to the OpenID provider with; empty for a public client.
    openid_client_secret: Option<SecretString> = "";
    /// What people call the OpenID provider; the page says "Sign in with …".
    openid_name: String = "single sign-on";
    /// The largest body that `POST /v1/imports` takes.
    import_max: Megabytes = "65536";
    /// The time a request may take, streams and imports excepted.
    request_timeout: Seconds = "30";
    /// Requests a second that one tenant may make on average; twice as many at once.
    tenant_requests: u16 = "4000";
    /// Requests a second that one credential of a tenant may make on average; twice as many at once.
    credential_requests: u16 = "2000";
    /// The rows that one tenant may keep, in millions; empty: no limit.
    tenant_rows: Option<u16> = "";
    /// What one tenant's files (imports, snapshots, models) may take; empty: no limit.
    tenant_files: Option<Megabytes> = "";
    /// The trainings of one tenant that may wait or run.
    tenant_trainings: u16 = "8";
    /// The time that requests under way get to end after SIGTERM, and running jobs to hand back their place.
    drain: Seconds = "10";
    /// The jobs that one worker runs at the same time.
    work_places: u16 = "2";
    /// The memory that a training may need; one that is estimated to need more is refused before it starts. Empty:
    /// no limit.
    train_memory: Option<Megabytes> = "";
    /// The time that a training may need, likewise.
    train_time: Option<Seconds> = "";
    /// How long a worker owns a job without renewing; a killed worker's jobs are taken over after it.
    lease: Seconds = "7";
    /// How often a worker looks for jobs when nothing wakes it.
    poll: Seconds = "5";
    /// `text` or `json` lines on standard error. Empty: `text` on a terminal, else `json`.
    log_format: Option<LogFormat> = "";
    /// What is logged: `error`, `warn`, `info`, `debug`, `trace`, or directives such as `info,clew_work=debug`.
    log_level: Level = "info";
}
