/**
 * Shows a task while it goes on, from a stream of its events and the verdicts on it, and says at the end what it came to.
 *
 * The answer is written as it comes; the line about it is drawn every 100 ms on a terminal, and elsewhere there is a line
 * in a log when the phase changes and every few seconds (`BattleProgress.isDue`). As JSON each event is a line instead.
 *
 * Laws: whatever ends the stream, the last thing said is what it came to, once; nobody is interrupted for being slow to
 * read. Failures of the stream are an end that is told, not a failure of ours.
 */
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Queue from "effect/Queue"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { TaskEvent } from "../a2a/TaskEvent.ts"
import * as BattleProgress from "../agents/BattleProgress.ts"
import type { RunError } from "../liveness/RunError.ts"
import type { Verdict } from "../liveness/Verdict.ts"
import * as AnswerText from "./AnswerText.ts"
import { line, type Values } from "./renderPlain.ts"
import * as render from "./renderTask.ts"
import { styled } from "./StyledLine.ts"
import * as TaskLine from "./TaskLine.ts"
import type { OutputClosed, TaskScreen } from "./TaskScreen.ts"
import * as TaskView from "./TaskView.ts"

/** Whoever began the task has ended it, or is gone. */
export class Abandoned extends Data.TaggedError("Abandoned")<{}> {}

/** Events that came together. */
export interface Arrived {
  readonly at: number
  readonly events: ReadonlyArray<TaskEvent>
}

export interface TaskDisplayOptions<R> {
  readonly screen: TaskScreen
  /** The events, from a function that is to be told every verdict. */
  readonly task: (onVerdict: (verdict: Verdict) => void) => Stream.Stream<Arrived, RunError | Abandoned, R>
  /** The task as it begins, or as it was when somebody began to look. */
  readonly view: TaskView.TaskView
  /** What has come since then, before the first of the events. */
  readonly before?: ReadonlyArray<Arrived>
  /** The time of the events, which is that of the view. */
  readonly now: () => number
  /** What the task is, for the first line of a log. */
  readonly what: Values
  /** The same for a person, where it is not clear. */
  readonly title?: string
  readonly json: boolean
  /** Whether what the agent thinks is shown, beside its answer. */
  readonly reasoning: boolean
}

/** The least time between two frames, in milliseconds. */
const FRAME_MILLIS = 100
const PACE: BattleProgress.Pace = { everyMillis: 5000, leastMillis: 200 }

/** Shows the task to its end, and gives what it came to. Fails only if nobody takes the answer any more. */
export const run = <R>(
  options: TaskDisplayOptions<R>
): Effect.Effect<TaskView.TaskView, OutputClosed, R> =>
  Effect.gen(function*() {
    const { json, now, reasoning, screen, task, what } = options
    const verdicts = yield* Queue.unbounded<{ readonly verdict: Verdict; readonly at: number }>()
    const inTurn = yield* Effect.map(Semaphore.make(1), (turns) => turns.withPermits(1))
    let { view } = options
    let answer = AnswerText.empty
    let followed = view.followed

    const jsonLine = (content: Parameters<typeof TaskLine.encode>[1], at: number) =>
      `${TaskLine.encode(at - view.beganAt, content)}\n`

    /** A line about the task: for a log, and for a terminal that has its line besides. */
    const note = (plain: string | undefined, live: string | undefined) => {
      const text = screen.isLive ? live : plain
      return text === undefined ? Effect.void : screen.line(text)
    }

    /** What was judged, before whatever comes after it. */
    const tellVerdicts = Effect.gen(function*() {
      for (const { at, verdict } of yield* Queue.clear(verdicts)) {
        if (json) yield* screen.answer(jsonLine(TaskLine.verdict(verdict), at))
        yield* note(render.plainVerdict(view, verdict, at), undefined)
      }
    })

    const receive = ({ at, events }: Arrived) =>
      Effect.gen(function*() {
        const says = view.progress.says
        view = TaskView.step(view, events, at)
        yield* tellVerdicts
        if (view.followed !== followed) {
          followed = view.followed
          const text = render.followedText(view)
          yield* note(render.plainFollowed(view, at), screen.color && text !== undefined ? styled(text, "dim") : text)
        }
        if (view.progress.says !== says) {
          yield* note(line(at - view.beganAt, "says", { text: view.progress.says }), undefined)
        }
        const next = AnswerText.step(answer, events)
        answer = next.answer
        if (json) {
          return yield* screen.answer(events.map((event) => jsonLine(event, at)).join(""))
        }
        if (reasoning) yield* screen.aside(next.reasoning)
        if (next.replaced) {
          yield* note(line(at - view.beganAt, "answer", "replaced"), "the agent has replaced its answer:")
        }
        yield* screen.answer(next.text)
      }).pipe(inTurn)

    const draw = Effect.gen(function*() {
      const at = now()
      view = TaskView.tick(view, at)
      yield* tellVerdicts
      if (screen.isLive) {
        // A row that is full would keep the cursor on its last column.
        const columns = (yield* screen.columns) - 1
        return yield* screen.status(render.statusLine(view, at, { columns, color: screen.color }))
      }
      if (!BattleProgress.isDue(view.progress, at, PACE)) {
        return
      }
      const kind = view.progress.stage === view.progress.toldStage ? "progress" : "phase"
      view = { ...view, progress: BattleProgress.told(view.progress, at) }
      yield* screen.line(render.plainProgress(view, at, kind))
    }).pipe(inTurn)

    const finish = (end: TaskView.End) =>
      Effect.gen(function*() {
        const at = now()
        yield* tellVerdicts
        view = TaskView.ended(view, end, at)
        if (json) yield* screen.answer(jsonLine(TaskLine.end(view, at), at))
        else if (end._tag === "Completed") yield* screen.answer(AnswerText.rest(answer))
        yield* screen.status("")
        const columns = Math.max(40, (yield* screen.columns) - 1)
        yield* note(render.plainEnd(view, at), render.endLines(view, at, { columns, color: screen.color }).join("\n"))
        if (end._tag !== "Broken") return
        for (const text of render.evidenceOf(end.error)) {
          yield* note(line(at - view.beganAt, "evidence", text), `  ${text}`)
        }
      }).pipe(inTurn, Effect.ignore)

    const judged = (verdict: Verdict) => {
      view = TaskView.judged(view, verdict)
      Queue.offerUnsafe(verdicts, { verdict, at: now() })
    }

    yield* note(line(0, "task", what), options.title)
    for (const arrived of options.before ?? []) yield* receive(arrived)
    const drawing = Effect.forever(Effect.andThen(draw, Effect.sleep(FRAME_MILLIS)))
    const reading = Stream.runForEach(task(judged), receive)
    const end = yield* Effect.raceFirst(reading, drawing).pipe(
      Effect.onInterrupt(() => finish({ _tag: "Interrupted" })),
      Effect.as<TaskView.End>({ _tag: "Completed" }),
      Effect.catch((error: RunError | Abandoned | OutputClosed) =>
        error._tag === "OutputClosed"
          ? Effect.fail(error)
          : Effect.succeed<TaskView.End>(
            error._tag === "Abandoned" ? { _tag: "Interrupted" } : { _tag: "Broken", error }
          )
      )
    )
    yield* finish(end)
    return view
  })
