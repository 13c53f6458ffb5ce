//! Generates values from a proptest strategy, the same in each run, for properties tested over
//! HTTP. The values are not shrunk, because each step would need an application of its own.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Returns this many values of the strategy.
pub fn samples<S: Strategy>(count: usize, strategy: &S) -> Vec<S::Value> {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let samples: Vec<S::Value> = (0..count)
        .filter_map(|_| strategy.new_tree(&mut runner).ok())
        .map(|tree| tree.current())
        .collect();
    assert_eq!(samples.len(), count);
    samples
}
