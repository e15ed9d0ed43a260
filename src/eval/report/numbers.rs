//! Numbers as a report writes them.

use super::{axes::label, estimate::Estimate, summary::Metrics};

/// A share in percent, with as many decimals as the published scripts print.
pub(super) fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// E_ratio in percent, or the sign for what is not known.
pub(super) fn ratio(metrics: &Metrics) -> String {
    metrics.e_percent.map_or_else(|| UNKNOWN.to_owned(), |percent| format!("{percent:.2} %"))
}

/// A share in percent with its interval, if it is known.
pub(super) fn percent_interval(share: Option<Estimate>) -> String {
    let Some(Estimate { mean, low, high }) = share else { return UNKNOWN.to_owned() };
    format!("{} [{:.1}, {:.1}]", percent(mean), 100.0 * low, 100.0 * high)
}

/// Seconds with three significant digits or so.
pub(super) fn seconds(seconds: f64) -> String {
    match seconds {
        _ if seconds >= 100.0 => format!("{seconds:.0}"),
        _ if seconds >= 1.0 => format!("{seconds:.1}"),
        _ => format!("{seconds:.3}"),
    }
}

/// A number of characters, or the sign for what is not known.
pub(super) fn place(characters: Option<f64>) -> String {
    characters.map_or_else(|| UNKNOWN.to_owned(), label)
}

/// What stands for a number that is not known.
pub(super) const UNKNOWN: &str = "–";

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn times_keep_about_three_digits() {
        fn check(time: f64, expected: &str) {
            assert_eq!(seconds(time), expected);
        }
        check(0.0, "0.000");
        check(0.0123, "0.012");
        check(1.26, "1.3");
        check(1234.5, "1234");
    }
}
