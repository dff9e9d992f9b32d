/**
 * Task events out of what an agent streams over A2A.
 *
 * Law: of an agent that speaks the token extension, `decode` after `encode` gives back any stream of task events, one for
 * one. Of others it makes the best: text that is new is a delta of one token, whatever the agent repeats counts once.
 *
 * Law: a stream that was cut, and goes on with a snapshot and what comes after it, has the same text per channel and the
 * same tokens as the one that was not cut. What a snapshot cannot tell is lost: pieces of tool calls (their tokens are
 * counted), signals, heartbeats, and log lines but the last; why the answer ended and its usage come from the summary.
 *
 * A decoder belongs to one task and remembers what was said, which tells a repetition from a replacement. The cost per
 * event does not depend on the length of the answer; that of a snapshot does.
 */
import type { Artifact as WireArtifact, Part, StreamResponse, Task, TaskStatus } from "@a2a-js/sdk"
import * as Result from "effect/Result"
import type * as Schema from "effect/Schema"
import { type Channel, Delta, Finish, tokensOf, Usage } from "../token/TokenEvent.ts"
import { Artifact, Ended, isTokenEvent, Replaced, Status, type TaskEvent } from "./TaskEvent.ts"
import { generationOf, snapshotOf, summaryOf } from "./TaskSnapshotMetadata.ts"
import { decodeEvent, TOKEN_EXTENSION_URI } from "./TokenExtension.ts"
import { ANSWER_ARTIFACT_ID, fromTaskState, isFinalState, REASONING_ARTIFACT_ID, textOf } from "./WireTask.ts"

type Metadata = Readonly<Record<string, unknown>> | undefined

/** Makes the decoder of one task. */
export const makeDecoder = () => {
  let taskId: string | undefined
  /** The number of the last event; it only grows. */
  let generation = -1
  /** Whether an event told that the agent speaks the token extension. */
  let exact = false
  /** What was said on the channels. */
  const channels: Record<Channel, string> = { content: "", reasoning: "" }
  /** What artifacts that are no channel have said, by artifact. */
  const said = new Map<string, string>()
  /** The whole artifacts, as JSON, by artifact. */
  const artifacts = new Map<string, string>()
  let lastStatus: string | undefined
  let tokens = 0
  /** Whether a snapshot stood for events that never came. */
  let hasMissed = false
  let hasFinish = false
  let hasUsage = false

  const before = (artifactId: string) =>
    artifactId === ANSWER_ARTIFACT_ID ? channels.content : said.get(artifactId) ?? ""

  const foreignText = (artifactId: string, text: string, append: boolean): ReadonlyArray<TaskEvent> => {
    const known = before(artifactId)
    const whole = append ? known + text : text
    if (artifactId === ANSWER_ARTIFACT_ID) channels.content = whole
    else said.set(artifactId, whole)
    // An artifact sent again as a whole repeats what is known; only what is new in it counts.
    const news = append ? text : text.startsWith(known) ? text.slice(known.length) : undefined
    if (news === undefined) return [Replaced.make({ text: [channels.content, ...said.values()].join("") })]
    return news === "" ? [] : [Delta.make({ channel: "content", text: news, tokens: 1 })]
  }

  const foreignArtifact = (
    { artifactId, name, parts }: WireArtifact,
    append: boolean,
    isRepeated = false
  ): ReadonlyArray<TaskEvent> => {
    const id = artifactId ?? ""
    const data = parts.flatMap((part) => part.content?.$case === "data" ? [dataOf(part)] : [])
    const artifact = Artifact.make({
      artifactId: id,
      name: name ?? "",
      parts: data.map((data) => ({ _tag: "Data" as const, data }))
    })
    const text = foreignText(id, textOf(parts), append)
    return data.length === 0 || (isRepeated && isKnown(artifact)) ? text : [...text, artifact]
  }

  const isKnown = (artifact: Artifact) => artifacts.get(artifact.artifactId) === JSON.stringify(artifact)

  const foreignStatus = (status: TaskStatus | undefined): ReadonlyArray<TaskEvent> => {
    const state = status === undefined ? undefined : fromTaskState(status.state)
    if (state === undefined) return []
    const text = textOf(status?.message?.parts ?? [])
    return isFinalState(state) ? [Ended.make({ state, text, error: null })] : [Status.make({ state, text })]
  }

  /** The status of a whole task: its state counts where it is over, and its text where it is new. */
  const statusOfTask = (status: TaskStatus | undefined) =>
    foreignStatus(status).filter((event) =>
      event._tag !== "Status" || (event.text !== "" && JSON.stringify(event) !== lastStatus)
    )

  /** What a task says as a whole that was not said yet. */
  const task = (task: Task): ReadonlyArray<TaskEvent> => {
    taskId = task.id
    const snapshot = snapshotOf(task.metadata)
    if (snapshot === undefined && !exact) {
      return [
        ...task.artifacts.flatMap((artifact) => foreignArtifact(artifact, false, true)),
        ...statusOfTask(task.status)
      ]
    }
    if (snapshot !== undefined) {
      exact = true
      if (snapshot.generation <= generation) return []
      if (snapshot.generation > 0) hasMissed = true
      generation = snapshot.generation
    }
    const textOfArtifact = (artifactId: string) =>
      textOf(task.artifacts.find((artifact) => artifact.artifactId === artifactId)?.parts ?? [])
    const texts = missing("reasoning", textOfArtifact(REASONING_ARTIFACT_ID)).concat(
      missing("content", textOfArtifact(ANSWER_ARTIFACT_ID))
    )
    const counted = snapshot === undefined ? Math.min(1, texts.length) : Math.max(0, snapshot.tokens - tokens)
    const encoded = snapshot?.ended
    const ended = encoded === undefined ? undefined : Result.getOrUndefined(decodeEvent(encoded))
    return [
      ...withTokens(texts, counted),
      ...task.artifacts.filter(({ artifactId }) => !isChannel(artifactId)).map(wholeArtifact).filter((artifact) =>
        !isKnown(artifact)
      ),
      ...(ended?._tag === "Ended" ? end(ended, { [TOKEN_EXTENSION_URI]: encoded }) : statusOfTask(task.status))
    ]
  }

  const missing = (channel: Channel, text: string): ReadonlyArray<TaskEvent> => {
    const known = channels[channel]
    channels[channel] = text
    if (text === known) return []
    if (channel === "content" && !text.startsWith(known)) return [Replaced.make({ text })]
    return [Delta.make({ channel, text: text.slice(known.length), tokens: 0 })]
  }

  /** The end, after what a reader that missed events would not know. */
  const end = (ended: Ended, metadata: Metadata): ReadonlyArray<TaskEvent> => {
    const summary = hasMissed ? summaryOf(metadata) : undefined
    if (summary === undefined) return [ended]
    const { finishReason, usage } = summary
    return [
      ...(hasFinish || finishReason === null ? [] : [Finish.make({ reason: finishReason })]),
      ...(hasUsage || usage === null ? [] : [Usage.make(usage)]),
      ended
    ]
  }

  const update = (
    metadata: Metadata,
    parts: ReadonlyArray<Part>,
    foreign: () => ReadonlyArray<TaskEvent>
  ): ReadonlyArray<TaskEvent> => {
    const number = generationOf(metadata)
    if (number !== undefined) {
      if (number <= generation) return []
      generation = number
    }
    const event = exactEvent(metadata, parts)
    if (event === undefined) return foreign()
    exact = true
    if (event._tag === "Delta") channels[event.channel] += event.text
    else if (event._tag === "Replaced") channels.content = event.text
    return event._tag === "Ended" ? end(event, metadata) : [event]
  }

  const read = ({ payload }: StreamResponse): ReadonlyArray<TaskEvent> => {
    switch (payload?.$case) {
      case undefined:
        return []
      case "task":
        return task(payload.value)
      case "message":
        return [
          Delta.make({ channel: "content", text: textOf(payload.value.parts), tokens: 1 }),
          Finish.make({ reason: "message" }),
          Ended.make({ state: "completed", text: "", error: null })
        ]
      case "statusUpdate": {
        const { metadata, status, taskId: id } = payload.value
        taskId = id || taskId
        return update(metadata, [], () => foreignStatus(status))
      }
      case "artifactUpdate": {
        const { append, artifact, metadata, taskId: id } = payload.value
        taskId = id || taskId
        if (artifact === undefined) return []
        return update(metadata, artifact.parts, () => foreignArtifact(artifact, append))
      }
    }
  }

  const note = (event: TaskEvent): void => {
    if (isTokenEvent(event)) {
      tokens += tokensOf(event)
      if (event._tag === "Finish") hasFinish = true
      else if (event._tag === "Usage") hasUsage = true
    } else if (event._tag === "Status") lastStatus = JSON.stringify(event)
    else if (event._tag === "Artifact") artifacts.set(event.artifactId, JSON.stringify(event))
  }

  const decode = (response: StreamResponse): ReadonlyArray<TaskEvent> => {
    const events = read(response)
    for (const event of events) note(event)
    return events
  }

  return { decode, taskId: () => taskId }
}

const isChannel = (artifactId: string): boolean =>
  artifactId === ANSWER_ARTIFACT_ID || artifactId === REASONING_ARTIFACT_ID

/** The tokens that are missing, on the first of the missing texts. */
const withTokens = (events: ReadonlyArray<TaskEvent>, tokens: number): ReadonlyArray<TaskEvent> => {
  if (tokens === 0) return events
  const index = events.findIndex((event) => event._tag === "Delta")
  const first = events[index]
  return first?._tag === "Delta"
    ? events.with(index, { ...first, tokens })
    : [...events, Delta.make({ channel: "content", text: "", tokens })]
}

const dataOf = (part: Part): Schema.Json =>
  (part.content?.$case === "data" ? part.content.value ?? null : null) as Schema.Json

/** An artifact that is no channel, as an agent of ours has it. The SDK reads data that is null as no content. */
const wholeArtifact = ({ artifactId, name, parts }: WireArtifact): Artifact =>
  Artifact.make({
    artifactId,
    name,
    parts: parts.map((part) =>
      part.content?.$case === "text"
        ? { _tag: "Text" as const, text: textOf([part]) }
        : { _tag: "Data" as const, data: dataOf(part) }
    )
  })

/** The event under the extension's key, with the text that the update's parts carry. */
const exactEvent = (metadata: Metadata, parts: ReadonlyArray<Part>): TaskEvent | undefined => {
  const encoded = metadata?.[TOKEN_EXTENSION_URI]
  if (typeof encoded !== "object" || encoded === null || !("_tag" in encoded)) return undefined
  const carriesText = encoded._tag === "Delta" || encoded._tag === "Replaced"
  return Result.getOrUndefined(decodeEvent(carriesText ? { ...encoded, text: textOf(parts) } : encoded))
}
