//! Memory: how much this machine, or this container, may use.

use std::path::Path;

/// What is taken where nothing says how much there is.
const UNKNOWN_BYTES: u64 = 2 << 30;

/// Half of the memory that this process may use, in bytes.
pub(crate) fn half() -> u64 {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    // The limit of the container by control groups, version 2 and version 1.
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"].map(read);
    least(&read("/proc/meminfo"), &limits) / 2
}

/// The least of the machine's memory (`MemTotal:` of meminfo, in KiB) and the limits, in bytes.
fn least(meminfo: &str, limits: &[String]) -> u64 {
    let machine = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<u64>().ok())
        .map(|kib| kib.saturating_mul(1024));
    // A group without a limit says `max`, or a number larger than any machine.
    let limits = limits.iter().filter_map(|limit| limit.trim().parse::<u64>().ok());
    machine.into_iter().chain(limits).min().unwrap_or(UNKNOWN_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tighter_of_machine_and_container_counts() {
        let machine = "MemTotal:        8000000 kB\nMemFree: 1 kB\n";
        let limits = |limit: &str| [limit.to_owned(), String::new()];
        assert_eq!(least(machine, &limits("max\n")), 8_192_000_000);
        assert_eq!(least(machine, &limits("4000000000\n")), 4_000_000_000);
        assert_eq!(least(machine, &limits("9223372036854771712")), 8_192_000_000);
        assert_eq!(least("", &limits("")), UNKNOWN_BYTES);
    }
}
