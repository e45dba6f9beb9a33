import GRDB

/// The tables of `study.sqlite` and how older files become newer ones.
enum Schema {
  /// Marks the file as a study in SQLite's own header: "BBST".
  static let applicationID = 0x4242_5354

  /// The name of the first migration; files hold it, so it never changes.
  static let first = "1 header, runs, candidates, measurements, documents"

  /// The second: what searches and interaction estimators keep.
  static let second = "2 trials, interactions"

  static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration(first) { database in
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.execute(
        sql: """
          CREATE TABLE header (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            digest TEXT NOT NULL,
            json TEXT NOT NULL
          ) STRICT;

          CREATE TABLE runs (
            id INTEGER PRIMARY KEY,
            estimator TEXT NOT NULL,
            data TEXT NOT NULL,
            seed INTEGER NOT NULL,
            configuration TEXT NOT NULL,
            samples INTEGER NOT NULL,
            unit TEXT NOT NULL,
            complete INTEGER NOT NULL,
            UNIQUE (estimator, data, seed, configuration)
          ) STRICT;

          CREATE TABLE candidates (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            "group" INTEGER NOT NULL,
            candidate INTEGER NOT NULL,
            format TEXT NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (run, "group", candidate)
          ) STRICT, WITHOUT ROWID;

          -- One row per candidate and chunk of samples; "scores" holds little-endian doubles.
          -- Clustered by run and chunk: a chunk is written at one place and a run is read in one scan.
          CREATE TABLE measurements (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            "group" INTEGER NOT NULL,
            candidate INTEGER NOT NULL,
            scores BLOB NOT NULL,
            PRIMARY KEY (run, start, "group", candidate)
          ) STRICT, WITHOUT ROWID;

          CREATE TABLE documents (
            id INTEGER PRIMARY KEY,
            kind TEXT NOT NULL,
            name TEXT NOT NULL,
            json TEXT NOT NULL,
            created TEXT NOT NULL
          ) STRICT;
          """)
    }
    migrator.registerMigration(second) { database in
      try database.execute(
        sql: """
          -- A search: one strategy on one space, with its settings; "problem" is JSON.
          CREATE TABLE searches (
            id INTEGER PRIMARY KEY,
            key TEXT NOT NULL UNIQUE,
            strategy TEXT NOT NULL,
            problem TEXT NOT NULL,
            created TEXT NOT NULL
          ) STRICT;

          -- One row per evaluation, in the order in which they were made; "values" and "scores" hold
          -- little-endian doubles.
          CREATE TABLE trials (
            search INTEGER NOT NULL REFERENCES searches (id) ON DELETE CASCADE,
            number INTEGER NOT NULL,
            choices TEXT NOT NULL,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            "values" BLOB NOT NULL,
            scores BLOB NOT NULL,
            PRIMARY KEY (search, number)
          ) STRICT, WITHOUT ROWID;

          -- What an interaction estimator has of some samples of a run; "data" is the estimator's own.
          CREATE TABLE interactions (
            run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
            start INTEGER NOT NULL,
            "end" INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (run, start)
          ) STRICT;
          """)
    }
    return migrator
  }
}
