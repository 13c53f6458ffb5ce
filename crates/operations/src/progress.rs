//! Progress of long work: a spinner or a bar on a terminal, and plain lines elsewhere, all on standard error.
//! Results go to standard output, in `cli`.

use std::fmt::Arguments;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

/// Prints a line. The work goes on when standard error is closed.
fn print_line(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A named step of a longer task.
pub struct Step {
    title: String,
    spinner: Option<ProgressBar>,
    began: Instant,
}

/// Begins a step and shows its title until it ends.
pub fn step(title: impl Into<String>) -> Step {
    let title = title.into();
    let spinner = std::io::stderr().is_terminal().then(|| {
        let spinner = ProgressBar::new_spinner().with_message(title.clone());
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    });
    Step {
        title,
        spinner,
        began: Instant::now(),
    }
}

impl Step {
    /// Shows the current detail of the step.
    pub fn detail(&self, text: &str) {
        match &self.spinner {
            Some(spinner) => spinner.set_message(format!("{}: {text}", self.title)),
            None => print_line(format_args!("  {}: {text}", self.title)),
        }
    }

    /// Ends the step and prints one line.
    pub fn done(mut self, result: &str) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
        let seconds = self.began.elapsed().as_secs_f64();
        print_line(format_args!("  {}: {result} ({seconds:.1} s)", self.title));
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if let Some(spinner) = self.spinner.take() {
            spinner.finish_and_clear();
        }
    }
}

/// A bar for work of known size. Outside of a terminal it is a line at every tenth.
pub struct Bar {
    title: String,
    total: u64,
    position: u64,
    bar: Option<ProgressBar>,
    began: Instant,
}

impl Bar {
    /// Begins a bar for `total` units of work.
    pub fn new(title: impl Into<String>, total: u64) -> Self {
        let title = title.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(total).with_message(title.clone());
            if let Ok(style) = ProgressStyle::with_template(
                "  {msg} {wide_bar} {human_pos}/{human_len} {per_sec} {eta} left",
            ) {
                bar.set_style(style);
            }
            bar
        });
        Self {
            title,
            total,
            position: 0,
            bar,
            began: Instant::now(),
        }
    }

    /// Adds `count` finished units.
    pub fn advance(&mut self, count: u64) {
        let tenth = |position: u64| (position * 10).checked_div(self.total).unwrap_or(10);
        let before = tenth(self.position);
        self.position += count;
        match &self.bar {
            Some(bar) => bar.set_position(self.position),
            None if tenth(self.position) > before => print_line(format_args!(
                "  {}: {} of {}",
                self.title, self.position, self.total
            )),
            None => {}
        }
    }

    /// Ends the bar and prints one line.
    pub fn done(self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        print_line(format_args!(
            "  {}: {} in {}",
            self.title,
            self.position,
            HumanDuration(self.began.elapsed())
        ));
    }
}
