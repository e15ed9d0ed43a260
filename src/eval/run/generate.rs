//! One problem under one recipe: a session run to its end, without a screen.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    EvalPlan, GridPoint, RunError, Traces,
    folder::{FolderError, PART, TRACES},
    pass::{Halt, Halted, predict},
    start,
};
use crate::{
    canvas::Canvas,
    decode::{Extras, ParamRole},
    eval::{
        EvalRow, RowTiming,
        problems::{ModelAnswer, Problem, ProblemSet},
        tokens::Generation,
    },
    inspect::{OrderMeasures, flips_per_token, lint},
    model::{HOLE, Loaded, Surroundings},
    predict::ColumnSet,
    session::{self, Event, Pending, Recorder, Session, Step},
    trace::{Header, TraceRecorder},
};

/// A recorder that leaves out how long things took, so that equal runs give equal recordings.
struct Untimed(TraceRecorder);

impl Recorder for Untimed {
    fn record(&mut self, event: Event) {
        let event = match event {
            Event::Step { id, parent, step, params, canvas } => {
                let timing = session::Timing { forward: Duration::ZERO, decide: Duration::ZERO };
                let step = Arc::new(Step { timing, ..(*step).clone() });
                Event::Step { id, parent, step, params, canvas }
            }
            event => event,
        };
        self.0.record(event);
    }

    fn fault(&self) -> Option<String> {
        self.0.fault()
    }

    fn close(self: Box<Self>) -> Result<(), String> {
        Box::new(self.0).close()
    }
}

/// What a run has come to so far.
#[derive(Default)]
struct RunCounts {
    initial: usize,
    forward: Duration,
    canvases: usize,
    expansions: usize,
}

/// Runs `problem` under a recipe on a model with its label. A run that cannot go on is a row like any
/// other, with the error as its end. `number` is that of the run among those of the problem, from 0.
pub(super) fn row(
    (model, label): (&mut Loaded, &str),
    plan: &EvalPlan,
    (set, problem): (&ProblemSet, &Problem),
    (point, number): (&GridPoint, usize),
    dir: &Path,
    halted: &Halted,
) -> Result<(EvalRow, RowTiming), Halt> {
    let started = Instant::now();
    let number = number + 1;
    let strategy = point.recipe.strategy.name();
    let name = format!("{TRACES}/{:05}-{number:02}-{strategy}.jsonl", problem.number);
    let (path, part) = (dir.join(&name), dir.join(format!("{name}{PART}")));
    let recorded = plan.traces != Traces::None;
    let mut counts = RunCounts::default();
    let (session, ended) =
        match begin(model, plan, point, (set, problem), recorded.then_some(&part)) {
            Ok(mut session) => {
                counts.initial = session.canvas().len();
                let driven = drive(model, &mut session, &mut counts, halted);
                let closed = session.finish_recording().map_err(broken);
                (Some(session), closed.and(driven))
            }
            Err(halt) => (None, Err(halt)),
        };
    let mut finish = match ended {
        Ok(finish) => Ok(finish),
        Err(Halt::Failed(error)) => Err(format!("error: {error}")),
        Err(halt) => {
            let _ = fs::remove_file(&part);
            return Err(halt);
        }
    };
    let canvas = session.as_ref().map(Session::canvas);
    let answer = canvas
        .map_or_else(String::new, |canvas| model.tokenizer.text(&canvas.tokens()[..canvas.tail()]));
    let generation = canvas.map_or_else(
        || Ok(Generation::default()),
        |canvas| Generation::of(&*model.tokenizer, canvas, finish.is_ok(), set.checker.padding()),
    );
    let generation = generation.unwrap_or_else(|error| {
        finish = Err(format!("error: {error}"));
        Generation::default()
    });
    let findings = session.as_ref().map(|session| lint(session, &*model.tokenizer, session.at()));
    let findings = findings.unwrap_or_default();
    let order = canvas.map(OrderMeasures::of).unwrap_or_default();
    let flips = session.as_ref().and_then(|session| flips_per_token(session, session.at()));
    let written = ModelAnswer { text: &answer, whole: &generation.text };
    let verdict = set
        .checker
        .check(problem, written, plan.python.as_ref())
        .map_err(|error| Halt::Broken(error.into()))?;
    let correct = verdict.correct.map(|correct| correct && finish.is_ok());
    // What broke off is kept, whether it was checked or not.
    let wanted = plan.traces == Traces::All || correct == Some(false) || finish.is_err();
    let kept = recorded && session.is_some() && wanted;
    if kept {
        fs::rename(&part, &path).map_err(|error| {
            let what = "the recording cannot be kept";
            Halt::Broken(FolderError::io(&path, what, error).into())
        })?;
    } else {
        let _ = fs::remove_file(&part);
    }
    let recipe = point.recipe.label().to_owned();
    let timing = RowTiming {
        problem: problem.number,
        model: label.to_owned(),
        recipe: recipe.clone(),
        seconds: started.elapsed().as_secs_f64(),
        forward: counts.forward.as_secs_f64(),
    };
    let row = EvalRow {
        problem: problem.number,
        set: set.name.clone(),
        task: problem.task.clone(),
        model: label.to_owned(),
        recipe,
        strategy: strategy.to_owned(),
        swept: point.swept.clone(),
        question: match &problem.surroundings {
            Surroundings::Holes(text) if problem.question.is_empty() => text.to_string(),
            Surroundings::Gap { before, behind } => format!("{before}{HOLE}{behind}"),
            _ => problem.question.clone(),
        },
        expected: problem.expected.clone(),
        answer,
        extracted: verdict.extracted,
        correct,
        fault: verdict.fault,
        initial: counts.initial,
        length: canvas.map_or(0, Canvas::len),
        before_tail: canvas.map_or(0, Canvas::before_tail),
        generation: generation.text,
        n_token: generation.n_token,
        e_token: generation.e_token,
        nfe: session.as_ref().map_or(0, |session| session.node().steps as usize),
        canvases: counts.canvases,
        expansions: counts.expansions,
        order_tau: order.tau,
        mean_jump: order.mean_jump,
        adjacent: order.adjacent,
        tail_first: order.tail_first,
        flips_per_token: flips,
        findings: findings.iter().map(|finding| finding.lint.name().to_owned()).collect(),
        finish: finish.map_or_else(|error| error, str::to_owned),
        trace: kept.then_some(name),
    };
    Ok((row, timing))
}

fn broken(error: String) -> Halt {
    Halt::Broken(RunError::Trace(error))
}

/// The session before its first step, recorded to `part` if there is one.
fn begin(
    model: &Loaded,
    plan: &EvalPlan,
    point: &GridPoint,
    (set, problem): (&ProblemSet, &Problem),
    part: Option<&PathBuf>,
) -> Result<Session, Halt> {
    let text = start::text(model, set, problem)?;
    let mut params = point
        .recipe
        .params(&model.suggested.of(point.recipe.strategy.name()))
        .map_err(Halt::failed)?;
    // The holes of a problem say how long its region is, whatever the recipe says.
    let steps = point.recipe.sets_role(ParamRole::Steps);
    session::fit_holes(&mut params, steps, &text).map_err(Halt::failed)?;
    let given = point.recipe.sets_role(ParamRole::MaxLength);
    session::fit(&mut params, given, &text, model.facts.context).map_err(Halt::failed)?;
    let columns = match plan.candidates {
        0 => ColumnSet::default(),
        _ => ColumnSet::display(),
    };
    let extras = Extras {
        columns,
        top_k: usize::from(plan.candidates),
        reading: model.facts.reading,
        ..Extras::NONE
    };
    let strategy = point.recipe.strategy;
    let recorder = match part {
        None => None,
        Some(part) => {
            let header = Header::new(&model.facts, strategy.name(), &set.prompt(problem), extras);
            let recorder = TraceRecorder::create(part, &header, model.tokenizer.clone());
            Some(Box::new(Untimed(recorder.map_err(broken)?)) as Box<dyn Recorder>)
        }
    };
    Session::new(strategy, &text, model.facts.special, params, extras, recorder)
        .map_err(Halt::failed)
}

/// Steps to the end; answers with the name of it.
fn drive(
    model: &mut Loaded,
    session: &mut Session,
    counts: &mut RunCounts,
    halted: &Halted,
) -> Result<&'static str, Halt> {
    loop {
        if halted() {
            return Err(Halt::Stopped);
        }
        match session.pending().clone() {
            Pending::Done(finish) => return Ok(finish.name()),
            Pending::Failed(error) => return Err(Halt::failed(error)),
            Pending::Wanted { key, request } => {
                let started = Instant::now();
                let prediction = predict(model, &request, halted)?;
                counts.forward += started.elapsed();
                counts.canvases += request.canvases();
                session.supply(key, prediction, Duration::ZERO);
            }
            Pending::Decided { decision, .. } => {
                session.step().map_err(Halt::failed)?;
                counts.expansions += decision.expansions().count();
                if let Some(error) = session.recorder_fault() {
                    return Err(broken(error));
                }
            }
        }
    }
}
