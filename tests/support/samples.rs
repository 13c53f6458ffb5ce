//! Values drawn from a strategy, the same in each run: for properties that are tested over HTTP, where shrinking would take
//! an application for each step. No test stands here.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// So many values of the strategy.
pub fn draw<S: Strategy>(count: usize, strategy: &S) -> Vec<S::Value> {
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let drawn: Vec<S::Value> = (0..count)
        .filter_map(|_| strategy.new_tree(&mut runner).ok())
        .map(|tree| tree.current())
        .collect();
    assert_eq!(drawn.len(), count);
    drawn
}
