use std::collections::HashSet;

use super::*;

#[test]
fn the_same_seed_gives_the_same_problems() {
    for task in Task::ALL {
        let first: Vec<_> = training(task, 7).take(20).collect();
        let again: Vec<_> = training(task, 7).take(20).collect();
        let other: Vec<_> = training(task, 8).take(20).collect();
        assert_eq!(first, again);
        assert_ne!(first, other);
    }
}

#[test]
fn the_splits_share_no_prompt() {
    for task in Task::ALL {
        let held: HashSet<_> = held_out(task, 1).take(200).map(|p| p.prompt).collect();
        assert!(training(task, 1).take(3_000).all(|p| !held.contains(&p.prompt)));
    }
}

#[test]
fn check_accepts_the_answer_and_no_other() {
    for task in Task::ALL {
        for problem in held_out(task, 3).take(100) {
            assert!(problem.check(&problem.answer), "{problem:?}");
            assert!(!problem.check(""));
            assert!(
                !problem.check(&problem.answer[..problem.answer.len() / 2])
                    || task == Task::WordProblem
            );
        }
    }
}

#[test]
fn a_wrong_total_is_wrong() {
    for problem in held_out(Task::WordProblem, 5).take(100) {
        let wrong = problem.number.unwrap() + 1;
        assert!(!problem.check(&format!("{} No, {wrong}.", problem.answer)));
    }
}

#[test]
fn word_problems_have_the_events_asked_for_and_right_sums() {
    for events in 1..=10 {
        for problem in held_out_with_events(events, 9).take(20) {
            assert_eq!(problem.size, events);
            let steps: Vec<&str> = problem.answer.split(". ").filter(|s| s.contains('=')).collect();
            assert_eq!(steps.len(), events);
            for step in steps {
                let numbers: Vec<i32> = step
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|n| n.parse().ok())
                    .collect();
                let sum = if step.contains('+') {
                    numbers[0] + numbers[1]
                } else {
                    numbers[0] - numbers[1]
                };
                assert_eq!(sum, numbers[2], "{step}");
                assert!((0..=60).contains(&sum));
            }
        }
    }
}

#[test]
fn the_mixture_draws_every_kind() {
    let seen: HashSet<_> = training_mixture(2, MIXTURE).take(500).map(|p| p.task).collect();
    assert_eq!(seen.len(), Task::ALL.len());
}

#[test]
fn a_lengthened_story_only_gains_sentences() {
    let mut rng = Rng::new(1, 1);
    for problem in held_out(Task::Story, 4).take(50) {
        let longer = lengthened(&problem, &mut rng).unwrap();
        let extra = longer.matches('.').count() - problem.size;
        assert!((1..=3).contains(&extra));
        let (start, end) = problem.answer.rsplit_once(". ").unwrap();
        assert!(longer.starts_with(start) && longer.ends_with(end));
    }
}
