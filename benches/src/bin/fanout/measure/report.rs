//! What came out.

use super::BURSTS;

/// What was measured of a contender.
#[derive(Clone, Debug, Default)]
pub(super) struct Samples {
    /// In µs per delivery, and as ratios to the floor's; with each burst.
    costs: [Vec<f64>; BURSTS.len()],
    ratios: [Vec<f64>; BURSTS.len()],
    /// In KiB per connection.
    pub(super) resident: Vec<f64>,
}

impl Samples {
    /// Adds a turn with the burst of that index.
    pub(super) fn add(&mut self, burst: usize, cost: f64, of_floor: f64) {
        self.costs[burst].push(cost);
        self.ratios[burst].push(cost / of_floor);
    }
}

pub(super) fn print<'a>(subscribers: usize, contenders: impl Iterator<Item = (&'a str, Samples)>) {
    print!("{:<31}", format!("{subscribers} subscribers"));
    for burst in BURSTS {
        print!("{:<31}", burst.name);
    }
    println!("idle connection");
    for (name, Samples { costs, ratios, resident }) in contenders {
        print!("  {name:<29}");
        for (costs, ratios) in costs.into_iter().zip(ratios) {
            let [_, cost, _] = quartiles(costs);
            let [low, ratio, high] = quartiles(ratios);
            print!("{cost:>5.2} µs × {ratio:.2} ({low:.2} to {high:.2})  ");
        }
        let [_, resident, _] = quartiles(resident);
        println!("{resident:>6.2} KiB");
    }
    println!();
}

/// The median between the two.
fn quartiles(mut samples: Vec<f64>) -> [f64; 3] {
    samples.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| samples.get(samples.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_and_its_quartiles() {
        let quarters = |samples: &[f64]| quartiles(samples.to_vec()).map(|quartile| quartile.to_string());
        assert_eq!(quarters(&[5.0, 3.0, 1.0, 4.0, 2.0]), ["2", "3", "4"]);
        assert_eq!(quarters(&[1.0]), ["1", "1", "1"]);
    }
}
