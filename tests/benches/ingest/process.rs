//! What a process used: CPU time and memory, as Linux counts them.

/// CPU seconds of a process so far, of all its threads.
pub fn cpu_seconds(process: u32) -> f64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold spaces; the numbers come after it.
    let numbers: Vec<f64> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect();
    // After the state (no number): ppid is the first; utime and stime are the 11th and 12th numbers.
    let ticks = numbers.get(10).unwrap_or(&0.0) + numbers.get(11).unwrap_or(&0.0);
    // USER_HZ is 100 on Linux.
    ticks / 100.0
}

/// Highest resident memory of a process so far, in megabytes.
pub fn peak_megabytes(process: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let kilobytes: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    kilobytes / 1024
}
