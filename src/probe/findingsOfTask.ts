/** What an agent's tasks have to be told about: polling, cancelling, taking up a stream, and its memory. */
import { type AgentFinding, blocker, countText, loss, note, timeText } from "./AgentFinding.ts"
import type {
  AgentMeasurements,
  CancelMeasurement,
  ConversationMeasurement,
  PolledMeasurement,
  ResubscriptionMeasurement
} from "./AgentMeasurements.ts"
import { blockingClient, isBlocked, showsProgress } from "./findingsOfBuffering.ts"
import { TOO_FAST_MILLIS } from "./judgeStream.ts"

export const findingsOfTask = (
  measurements: AgentMeasurements,
  works: { readonly stream: boolean }
): ReadonlyArray<AgentFinding> => {
  const { cancel, conversation, polled, resubscription } = measurements
  return [
    ...(polled === null ? [] : ofPolling(measurements, polled, works.stream)),
    ...(cancel === null
      ? polled !== null && (works.stream || polled.outcome === "ended") ? [nothingToCancel] : []
      : ofCancel(cancel)),
    ...(resubscription === null ? [] : ofResubscription(resubscription)),
    ...(conversation === null ? [] : ofConversation(conversation))
  ]
}

const ofPolling = (
  { card, idleCardMillis, patienceMillis, stream }: AgentMeasurements,
  polled: PolledMeasurement,
  streams: boolean
): ReadonlyArray<AgentFinding> => {
  const { atOnce, detail, outcome, sendMillis, side } = polled
  const blocked = !card.streaming && isBlocked(side, idleCardMillis, polled.endMillis) &&
      polled.endMillis >= TOO_FAST_MILLIS
    ? [blockingClient(side, polled.endMillis)]
    : []
  switch (outcome) {
    case "refused":
    case "failed":
      return [(streams ? note : blocker)(
        "send-failed",
        `SendMessage is not answered as it should be: ${detail}.`,
        "Look into the agent's own log for the request."
      )]
    case "silent":
      return [
        ...blocked,
        showsProgress(side)
          ? blocker(
            "stops-relaying",
            `Its task showed nothing new for ${timeText(patienceMillis)}, though it is ${polled.state || "not over"}.`,
            "Find what execute() waits for, and end the task failed when its engine call takes too long."
          )
          : blocker(
            "silent",
            `SendMessage ${atOnce ? "was answered, and its task" : "was not answered, and"} showed nothing within ` +
              `${timeText(patienceMillis)}.`,
            "If it is only slow, give it longer with --patience; else look into its log."
          )
      ]
    case "cut":
      return blocked
    case "ended":
      if (polled.endMillis < TOO_FAST_MILLIS) return []
      if (!atOnce) {
        return [
          ...blocked,
          ...(stream?.firstFrame === "message" ? [] : [(streams ? note : loss)(
            "ignores-return-immediately",
            `Asked not to wait, SendMessage answers after ${
              timeText(sendMillis ?? polled.endMillis)
            }, when it has ended: ` +
              "nothing is known of its task before.",
            "Answer with the task as soon as it exists where the request says returnImmediately: true (blocking: false in " +
              "A2A 0.3); the SDKs' request handlers do."
          )])
        ]
      }
      return [
        ...blocked,
        ...(streams || showsProgress(side) || side.pollsAnswered < 2 ? [] : [loss(
          "polls-show-nothing",
          side.refusal === null
            ? `GetTask shows nothing new from its begin to its end (${countText(side.pollsAnswered, "look")}).`
            : `GetTask is refused: ${side.refusal}.`,
          "Publish what is made as it is made; the SDKs' task stores then show it to GetTask."
        )])
      ]
  }
}

const CANCELLING =
  "In cancel(), abort the engine's request (close its stream, or an AbortController), then publish canceled."

const nothingToCancel = loss(
  "nothing-to-cancel",
  "The id of its task is known only when it is over, so nothing can be cancelled.",
  "Publish a Task before any work, and answer a send that is not to wait with it."
)

const ofCancel = (cancel: CancelMeasurement): ReadonlyArray<AgentFinding> => {
  const { detail, grewAfter, outcome, state, stateAfter, stopped, tokensAfter } = cancel
  const goesOn = stopped === false
    ? ` Its engine goes on${tokensAfter ? `: ${countText(tokensAfter, "token")} after it` : ""}.`
    : ""
  switch (outcome) {
    case "ended":
      return []
    case "refused":
      return [loss(
        "cancel-refused",
        `CancelTask is refused (${detail}), so a task that is given up goes on for nobody.${goesOn}`,
        CANCELLING
      )]
    case "unanswered":
      return [loss("cancel-unanswered", `CancelTask is not answered: ${detail}.${goesOn}`, CANCELLING)]
    case "answered":
      if (stopped === false || grewAfter) {
        return [loss(
          "cancel-ignored",
          `CancelTask is answered with ${state || "no state"}, and ${
            grewAfter ? "its answer grows all the same." : "nothing stops."
          }${goesOn}`,
          CANCELLING
        )]
      }
      if (state !== "canceled" && stateAfter !== "canceled" && stateAfter !== "completed") {
        return [loss(
          "cancel-ignored",
          `CancelTask is answered, and its task is still ${stateAfter || state || "open"} afterwards.`,
          CANCELLING
        )]
      }
      return stopped === true ? [] : [note(
        "cancel-unproven",
        "CancelTask is answered with canceled; whether its engine stopped is not known.",
        "Give --engine or --tap to see it."
      )]
  }
}

const SNAPSHOT =
  "Serve SubscribeToTask (tasks/resubscribe in A2A 0.3): first the task as it stands, then what comes after " +
  "it; the SDKs' request handlers do."

const ofResubscription = (
  { after, detail, outcome, whole }: ResubscriptionMeasurement
): ReadonlyArray<AgentFinding> => {
  switch (outcome) {
    case "whole":
    case "over":
    case "unclear":
      return []
    case "refused":
    case "failed":
    case "silent":
      return [loss(
        "no-resubscription",
        `A stream that breaks cannot be taken up again: SubscribeToTask ${
          outcome === "silent"
            ? "brings nothing"
            : outcome === "refused"
            ? `is refused (${detail})`
            : `fails (${detail})`
        }.`,
        SNAPSHOT
      )]
    case "no-snapshot":
      return [loss(
        "resubscription-without-snapshot",
        `SubscribeToTask does not begin with the task (${detail}), so what came in between is lost.`,
        SNAPSHOT
      )]
    case "lost":
      return [loss(
        "resubscription-loses",
        `A stream that was taken up again has ${after} of ${whole ?? "more"} characters of the answer.`,
        SNAPSHOT
      )]
    case "doubled":
      return [loss(
        "resubscription-doubles",
        `A stream that was taken up again has ${after} characters of an answer of ${whole ?? "fewer"}.`,
        SNAPSHOT
      )]
  }
}

const ofConversation = (
  { detail, promptTokens, said, sameContext }: ConversationMeasurement
): ReadonlyArray<AgentFinding> => {
  if (said === true) return []
  if (said === null) return [note("context-unknown", `Whether it keeps a conversation is not known: ${detail}.`)]
  if (promptTokens === null) {
    return [note(
      "context-unknown",
      "Asked for a word of the message before, it did not say it: it keeps no conversation, or its model is not up to it.",
      "Give --engine to see whether its engine is told the message before."
    )]
  }
  const [before, now] = promptTokens
  return now > before ? [] : [loss(
    "forgets-context",
    `The second message of a context is answered without the first: its engine was asked with ${now} tokens, and with ` +
      `${before} for the longer one before${sameContext ? "" : "; the answer is in another context"}.`,
    "Keep the messages of each contextId, and send them to the engine with the new one."
  )]
}
