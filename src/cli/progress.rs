//! Loading a model while somebody waits: a bar on stderr, and signals that end it.

use std::{ops::ControlFlow, sync::atomic::Ordering};

use indicatif::{ProgressBar, ProgressStyle};

use super::{Fault, fault::tell, harmless::harmless, stop};
use crate::model::{self, Computing, LoadError, LoadProgress, Loaded, Source, Work};

/// Loads a model, with a warning before if memory is tight. The first SIGINT, SIGTERM or SIGHUP ends it where it can be ended.
pub(super) fn load(source: &Source, computing: &Computing) -> Result<Loaded, Fault> {
    let stopped = stop::on_signals();
    let mut bar = Bar::default();
    let mut watch = |now: &LoadProgress| {
        bar.show(now);
        match stopped.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let loaded = model::open(source, computing, &mut watch).and_then(|checkpoint| {
        if let Some(warning) = checkpoint.tight() {
            tell(&harmless(&format!("warning: {warning}")));
        }
        checkpoint.load(&mut watch)
    });
    drop(bar);
    let mut loaded = loaded?;
    if stopped.load(Ordering::Relaxed) {
        return Err(LoadError::cancelled(loaded.facts.name).into());
    }
    loaded.predictor = stop::test_hook(loaded.predictor);
    Ok(loaded)
}

/// A bar for what is being done; invisible if stderr is no terminal.
#[derive(Default)]
struct Bar(Option<(Work, ProgressBar)>);

impl Bar {
    fn show(&mut self, now: &LoadProgress) {
        match &self.0 {
            Some((work, bar)) if *work == now.work => bar.set_position(now.done),
            _ => {
                self.clear();
                let bar = ProgressBar::new(now.of).with_message(title(&now.work));
                let style = ProgressStyle::with_template(
                    "{msg} {wide_bar} {bytes} of {total_bytes} · {bytes_per_sec} · {eta} to go",
                );
                bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
                bar.set_position(now.done);
                // What was there before says nothing of how fast it goes now.
                bar.reset_eta();
                self.0 = Some((now.work.clone(), bar));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What a kind of work is called. Names of files come from elsewhere.
fn title(work: &Work) -> String {
    match work {
        Work::Downloading(file) => harmless(file).replace(['\n', '\t'], " "),
        Work::Reading => "reading the weights".to_owned(),
        Work::Quantising(kind) => format!("rounding the weights to {kind}"),
    }
}
