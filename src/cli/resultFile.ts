/**
 * A file that holds a result: all of it or none of it. It is written beside its place under another name, and takes it
 * when it is whole, so whoever reads it while it is written again reads the old one, and what fails leaves no half.
 *
 * A file that is there is replaced, as `-o` does elsewhere, but never a database: whoever mistakes `-o` for `--db` must not
 * lose a night. Through a symbolic link the file behind it is replaced; what is no regular file (a pipe, a terminal,
 * `/dev/full`) is written to as it is.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as FileSystem from "effect/FileSystem"
import * as Option from "effect/Option"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as crypto from "node:crypto"
import { inputError } from "./CommandError.ts"

/** What every SQLite file begins with. */
const sqliteMagic = "SQLite format 3\u0000"

/** What SQLite and the lock of a campaign keep beside a database. */
const beside = ["", "-wal", "-shm", "-journal", "-lock"]

/**
 * Writes a file and gives its size in bytes. `database` is never touched, nor what belongs to it. Fails with one line that
 * says why nothing was written; what stood at that place is then unchanged.
 */
export const write = Effect.fn("resultFile.write")(
  function*<E, R>(path: string, database: string, content: Stream.Stream<Uint8Array, E, R>) {
    const place = yield* checked(path, database)
    return yield* place.isRegular ? replace(path, place, content) : into(path, place.target, "a", content)
  }
)

/**
 * Writes a result to stdout. Fails with one line where it cannot be written, as on a full disk; that whoever reads it has
 * had enough, as `head` has, is no failure.
 */
export const toStdout = Effect.fn("resultFile.toStdout")(function*<E, R>(content: Stream.Stream<Uint8Array, E, R>) {
  const { stdout } = yield* Stdio.Stdio
  const sink = Sink.mapError(
    stdout({ endOnDone: false }),
    (error) => isClosedPipe(error) ? new Closed() : cannotBeWritten("stdout")(error)
  )
  yield* Effect.catchIf(Stream.run(content, sink), (error) => error instanceof Closed, () => Effect.void)
})

class Closed extends Data.TaggedError("Closed") {
  override readonly message = "nobody reads stdout any more"
}

const isClosedPipe = ({ reason }: PlatformError): boolean => String(reason.cause).includes("EPIPE")

/** One line for a place that refuses what is written to it. */
export const cannotBeWritten = (path: string) => ({ message, reason: { cause } }: PlatformError) =>
  inputError(`${path} cannot be written: ${(cause instanceof Error ? cause.message : message).replaceAll(/\s+/g, " ")}`)

interface Place {
  readonly target: string
  readonly isRegular: boolean
  /** Of the file that is there, if one is. */
  readonly mode: number | undefined
}

/** Where it is really written to. */
const checked = Effect.fnUntraced(function*(path: string, database: string) {
  const fileSystem = yield* FileSystem.FileSystem
  const paths = yield* Path.Path
  const failed = Effect.mapError(cannotBeWritten(path))
  const store = yield* Effect.orElseSucceed(fileSystem.realPath(database), () => paths.resolve(database))
  const isOfStore = (target: string) => beside.some((end) => target === `${store}${end}`)
  const belongs = inputError(`${path} belongs to the campaign's database and was left as it is; name another file`)
  const found = yield* Effect.option(fileSystem.stat(path))
  if (Option.isNone(found)) {
    const linked = yield* Effect.option(fileSystem.readLink(path))
    const target = paths.resolve(paths.dirname(path), Option.getOrElse(linked, () => paths.basename(path)))
    const directory = paths.dirname(target)
    if (!(yield* failed(fileSystem.exists(directory)))) {
      return yield* inputError(`${path} cannot be written: there is no directory ${directory}`)
    }
    if (isOfStore(paths.join(yield* failed(fileSystem.realPath(directory)), paths.basename(target)))) {
      return yield* belongs
    }
    return { target, isRegular: true, mode: undefined } satisfies Place as Place
  }
  const { mode, type } = found.value
  if (type === "Directory") return yield* inputError(`${path} is a directory; name a file in it`)
  if (type !== "File") return { target: path, isRegular: false, mode } satisfies Place as Place
  const target = yield* failed(fileSystem.realPath(path))
  if (isOfStore(target)) return yield* belongs
  // Whoever has made a file read-only means it, though its directory would let it be replaced.
  yield* failed(fileSystem.access(target, { writable: true }))
  const begin = yield* failed(Effect.scoped(Effect.flatMap(
    fileSystem.open(target, { flag: "r" }),
    (file) => file.readAlloc(sqliteMagic.length)
  )))
  if (Option.isSome(begin) && new TextDecoder().decode(begin.value) === sqliteMagic) {
    return yield* inputError(`${path} is a database and was left as it is; name another file`)
  }
  return { target, isRegular: true, mode: mode & 0o777 } satisfies Place as Place
})

const replace = Effect.fnUntraced(
  function*<E, R>(path: string, { mode, target }: Place, content: Stream.Stream<Uint8Array, E, R>) {
    const fileSystem = yield* FileSystem.FileSystem
    const failed = Effect.mapError(cannotBeWritten(path))
    const paths = yield* Path.Path
    const name = `.${paths.basename(target)}.${crypto.randomBytes(6).toString("hex")}.part`
    const part = paths.join(paths.dirname(target), name)
    return yield* Effect.onExit(
      Effect.tap(
        into(path, part, "wx", content),
        () =>
          failed(
            Effect.andThen(
              mode === undefined ? Effect.void : fileSystem.chmod(part, mode),
              fileSystem.rename(part, target)
            )
          )
      ),
      (exit) => Exit.isSuccess(exit) ? Effect.void : Effect.ignore(fileSystem.remove(part, { force: true }))
    )
  }
)

const into = <E, R>(path: string, target: string, flag: "a" | "wx", content: Stream.Stream<Uint8Array, E, R>) =>
  Effect.scoped(Effect.gen(function*() {
    const fileSystem = yield* FileSystem.FileSystem
    const failed = Effect.mapError(cannotBeWritten(path))
    const file = yield* failed(fileSystem.open(target, { flag }))
    let size = 0
    yield* Stream.runForEachArray(content, (some) =>
      Effect.forEach(some, (bytes) => {
        size += bytes.length
        return failed(file.writeAll(bytes))
      }, { discard: true }))
    // What is not a regular file has no position and cannot be flushed: it is appended to.
    if (flag === "wx") yield* failed(file.sync)
    return size
  }))
