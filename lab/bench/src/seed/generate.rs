//! Generates the rows of a seed. The same seed gives the same rows, ids included, without a database or a clock.
//! The rows are written in `seed`.

use anyhow::Result;
use fake::Fake;
use fake::faker::company::en::CompanyName;
use fake::faker::name::en::{FirstName, LastName};
use rand::rngs::ChaCha8Rng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use uuid::Uuid;

/// The maximum number of students of a tutor.
const MAX_STUDENTS_PER_TUTOR: usize = 12;
/// The number of centres of each tenant.
const CENTRES_PER_TENANT: usize = 2;
/// The timestamp in the ids, 2026-01-01, fixed so that every run generates the same ids.
const ID_TIMESTAMP: u64 = 1_767_225_600_000;

const LANGUAGES: [&str; 6] = ["en", "hi", "de", "es", "zh", "ar"];
const NEEDS: [&str; 4] = ["ADHD", "Autism", "Dyslexia", "Dyscalculia"];

/// The rows of a batch as CSV, for the staging tables of the same names.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) users: Vec<u8>,
    pub(super) tutors: Vec<u8>,
    pub(super) students: Vec<u8>,
}

/// Generates the rows of one tenant in batches.
pub(super) struct Generator {
    random: ChaCha8Rng,
    seed: u64,
    index: u64,
    generated: u64,
    pub(super) tenant: Uuid,
    pub(super) name: String,
    pub(super) centres: Vec<Uuid>,
}

/// The CSV writers of a batch.
struct Writers {
    users: csv::Writer<Vec<u8>>,
    tutors: csv::Writer<Vec<u8>>,
    students: csv::Writer<Vec<u8>>,
}

impl Writers {
    fn new() -> Self {
        let writer = || {
            csv::WriterBuilder::new()
                .has_headers(false)
                .from_writer(Vec::new())
        };
        Self {
            users: writer(),
            tutors: writer(),
            students: writer(),
        }
    }

    fn finish(self) -> Result<Batch> {
        let bytes =
            |writer: csv::Writer<Vec<u8>>| writer.into_inner().map_err(|error| error.into_error());
        Ok(Batch {
            users: bytes(self.users)?,
            tutors: bytes(self.tutors)?,
            students: bytes(self.students)?,
        })
    }
}

impl Generator {
    /// Returns the generator of the tenant number `index` of a seed.
    pub(super) fn new(seed: u64, index: u64) -> Self {
        // Seed and index fill different parts of the generator's key, so that no two tenants share one.
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        let mut generator = Self {
            random: ChaCha8Rng::from_seed(key),
            seed,
            index,
            generated: 0,
            tenant: Uuid::nil(),
            name: String::new(),
            centres: Vec::new(),
        };
        generator.tenant = generator.id();
        generator.name = CompanyName().fake_with_rng(&mut generator.random);
        generator.centres = (0..CENTRES_PER_TENANT).map(|_| generator.id()).collect();
        generator
    }

    /// Returns the slug with which users sign in to the tenant.
    pub(super) fn slug(&self) -> String {
        format!("seed-{}-{:05}", self.seed, self.index)
    }

    /// Generates the next students with their tutors and parents.
    pub(super) fn batch(&mut self, students: usize) -> Result<Batch> {
        let mut writers = Writers::new();
        let mut left = students;
        while left > 0 {
            let group = left.min(MAX_STUDENTS_PER_TUTOR);
            self.group(group, &mut writers)?;
            left -= group;
        }
        writers.finish()
    }

    /// Generates a tutor with students, of whom each two share a parent.
    fn group(&mut self, students: usize, writers: &mut Writers) -> Result<()> {
        let centre = self
            .centres
            .choose(&mut self.random)
            .copied()
            .unwrap_or(self.tenant);
        let (tutor, tutor_user) = (self.id(), self.user("tutor", centre, writers)?);
        let subjects = if self.random.random_bool(0.5) {
            ["mathematics", "science"]
        } else {
            ["english", "reading"]
        };
        let subjects = json!(subjects.map(|subject| json!({"subject": subject, "level": null})));
        writers.tutors.write_record([
            tutor.to_string(),
            tutor_user.to_string(),
            centre.to_string(),
            subjects.to_string(),
            MAX_STUDENTS_PER_TUTOR.to_string(),
        ])?;
        let mut parent = tutor_user;
        for number in 0..students {
            if number % 2 == 0 {
                parent = self.user("parent", centre, writers)?;
            }
            let (student, user) = (self.id(), self.user("student", centre, writers)?);
            let age = self.random.random_range(6..=17);
            let mut level = || age + self.random.random_range(-2..=2);
            let academic_age =
                json!({"reading": level(), "spelling": level(), "numeracy": level()});
            let needs: Vec<&str> = NEEDS
                .iter()
                .filter(|_| self.random.random_bool(0.05))
                .copied()
                .collect();
            writers.students.write_record([
                student.to_string(),
                user.to_string(),
                centre.to_string(),
                format!(
                    "{}-{:02}-{:02}",
                    2025 - age,
                    self.random.random_range(1..=12),
                    self.random.random_range(1..=28)
                ),
                academic_age.to_string(),
                json!(needs).to_string(),
                tutor.to_string(),
                parent.to_string(),
            ])?;
        }
        Ok(())
    }

    fn user(&mut self, role: &str, centre: Uuid, writers: &mut Writers) -> Result<Uuid> {
        let id = self.id();
        let first: String = FirstName().fake_with_rng(&mut self.random);
        let last: String = LastName().fake_with_rng(&mut self.random);
        let language = LANGUAGES.choose(&mut self.random).copied().unwrap_or("en");
        writers.users.write_record([
            id.to_string(),
            centre.to_string(),
            format!("{first} {last}"),
            format!("{first}.{last}.{}@{}.example", self.generated, self.slug()).to_lowercase(),
            format!("+1212555{:04}", self.random.random_range(0..10_000)),
            role.to_owned(),
            json!([language]).to_string(),
        ])?;
        Ok(id)
    }

    /// Generates an ascending UUID version 7, as the components do.
    fn id(&mut self) -> Uuid {
        self.generated += 1;
        uuid::Builder::from_unix_timestamp_millis(
            ID_TIMESTAMP + self.generated,
            &self.random.random(),
        )
        .into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(csv: &[u8]) -> usize {
        csv.iter().filter(|byte| **byte == b'\n').count()
    }

    #[test]
    fn the_same_seed_gives_the_same_rows() {
        let batch = |seed, index| Generator::new(seed, index).batch(30).unwrap().students;
        assert_eq!(batch(1, 0), batch(1, 0));
        assert_ne!(batch(1, 0), batch(2, 0));
        assert_ne!(batch(1, 0), batch(1, 1));
    }

    #[test]
    fn every_student_has_an_account_a_tutor_and_a_guardian() {
        let batch = Generator::new(7, 3).batch(25).unwrap();
        assert_eq!(lines(&batch.students), 25);
        // The database links the parent, the last field, as a guardian.
        let students = String::from_utf8(batch.students.clone()).unwrap();
        let parents = students
            .lines()
            .filter_map(|line| line.rsplit(',').next()?.parse::<Uuid>().ok());
        assert_eq!(parents.count(), 25);
        // 12, 12 and 1 students.
        assert_eq!(lines(&batch.tutors), 3);
        assert_eq!(lines(&batch.users), 25 + 13 + 3);
    }

    #[test]
    fn ids_are_version_7_and_grow() {
        let mut generator = Generator::new(1, 1);
        let (first, second) = (generator.id(), generator.id());
        assert_eq!(first.get_version_num(), 7);
        assert!(first < second);
    }
}
