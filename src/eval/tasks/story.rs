//! Stories from a grammar with free choices: open-ended, so a model cannot be sure of a word.

use super::rng::Rng;
use super::words::{ADJECTIVES, ANIMALS, DEEDS, FEELINGS, MANNERS, OBJECTS, PLACES, TIMES};
use super::{Task, TaskProblem};

/// One story of 2 to 12 sentences about an animal that finds an object.
pub(super) fn draw(rng: &mut Rng) -> TaskProblem {
    let sentences = rng.range(2, 12) as usize;
    let nature = *rng.pick(&ADJECTIVES);
    let hero = *rng.pick(&ANIMALS);
    let object = *rng.pick(&OBJECTS);
    let mut story = vec![opening(rng, nature, hero)];
    if sentences > 2 {
        story.push(finding(rng, hero, object));
    }
    while story.len() + 1 < sentences {
        story.push(middle(rng, hero, object));
    }
    story.push(ending(rng, hero, object));
    TaskProblem {
        task: Task::Story,
        prompt: format!(
            "Write a story in {sentences} sentences about a {nature} {hero} who finds a {object}."
        ),
        answer: story.join(" "),
        number: None,
        size: sentences,
    }
}

/// The story with one to three more sentences than it should have, before its end.
pub(super) fn lengthened(rng: &mut Rng, problem: &TaskProblem) -> Option<String> {
    let words: Vec<&str> = problem.prompt.trim_end_matches('.').split(' ').collect();
    let [.., hero, _, _, _, object] = words[..] else { return None };
    let (start, end) = problem.answer.rsplit_once(". ")?;
    let mut story = format!("{start}.");
    for _ in 0..rng.range(1, 3) {
        story = format!("{story} {}", middle(rng, hero, object));
    }
    Some(format!("{story} {end}"))
}

/// Whether `text` has `sentences` full stops and ends with one.
pub(super) fn has_sentences(text: &str, sentences: usize) -> bool {
    let text = text.trim();
    text.ends_with('.') && text.matches('.').count() == sentences
}

fn place(rng: &mut Rng) -> String {
    let preposition = *rng.pick(&["by", "near", "in", "behind"]);
    let adjective =
        if rng.chance(0.4) { format!("{} ", rng.pick(&ADJECTIVES)) } else { String::new() };
    format!("{preposition} the {adjective}{}", rng.pick(&PLACES))
}

fn opening(rng: &mut Rng, nature: &str, hero: &str) -> String {
    let lived = *rng.pick(&["lived", "stayed", "worked"]);
    format!("Once a {nature} {hero} {lived} {}.", place(rng))
}

fn finding(rng: &mut Rng, hero: &str, object: &str) -> String {
    let time = *rng.pick(&TIMES);
    let where_ = if rng.chance(0.6) { format!(" {}", place(rng)) } else { String::new() };
    format!("One {time} the {hero} found a {} {object}{where_}.", rng.pick(&ADJECTIVES))
}

fn middle(rng: &mut Rng, hero: &str, object: &str) -> String {
    match rng.range(0, 6) {
        0 => format!("The {hero} took the {object} to the {}.", rng.pick(&PLACES)),
        1 => {
            let doing =
                if rng.chance(0.4) { format!(" and {}", rng.pick(&DEEDS)) } else { String::new() };
            format!("A {} {} came{doing}.", rng.pick(&ADJECTIVES), other(rng, hero))
        }
        2 => {
            let cause = if rng.chance(0.4) {
                format!(" and {}", rng.pick(&FEELINGS))
            } else {
                String::new()
            };
            format!("The {hero} felt {}{cause}.", rng.pick(&FEELINGS))
        }
        3 => {
            let manner =
                if rng.chance(0.5) { format!(" {}", rng.pick(&MANNERS)) } else { String::new() };
            let place = if rng.chance(0.5) { format!(" {}", place(rng)) } else { String::new() };
            format!("Together they {}{manner}{place}.", rng.pick(&DEEDS))
        }
        4 => format!(
            "The {} gave the {hero} a {} {}.",
            other(rng, hero),
            rng.pick(&ADJECTIVES),
            rng.pick(&OBJECTS)
        ),
        5 => format!("Every {} the {hero} {} {}.", rng.pick(&TIMES), rng.pick(&DEEDS), place(rng)),
        _ => format!("Then the {object} was {}.", rng.pick(&ADJECTIVES)),
    }
}

fn ending(rng: &mut Rng, hero: &str, object: &str) -> String {
    let kept = *rng.pick(&["kept", "lost", "gave away", "loved"]);
    let feeling =
        if rng.chance(0.5) { format!(" and was {}", rng.pick(&FEELINGS)) } else { String::new() };
    format!("In the end the {hero} {kept} the {object}{feeling}.")
}

/// An animal that is not the hero.
fn other<'a>(rng: &mut Rng, hero: &str) -> &'a str {
    loop {
        let animal = *rng.pick(&ANIMALS);
        if animal != hero {
            return animal;
        }
    }
}
