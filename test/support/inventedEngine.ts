/** Campaigns of programs whose engine is an invented one, so that nothing is asked but over loopback between our agents. */
import * as Stream from "effect/Stream"
import type { CampaignInput } from "../../src/campaign/config/CampaignInput.ts"
import { Engine } from "../../src/engine/Engine.ts"
import { Delta, Finish, type TokenEvent } from "../../src/token/TokenEvent.ts"

/** Two tokens and the finish, which the canary wants, too. */
export const answer = Stream.make<ReadonlyArray<TokenEvent>>(
  Delta.make({ channel: "content", text: "Hello, ", tokens: 1 }),
  Delta.make({ channel: "content", text: "world", tokens: 1 }),
  Finish.make({ reason: "stop" })
)

/** In the place of the engine. Port 9 is nobody's: whoever asks it over HTTP is refused at once. */
export const inventedEngine = { engine: () => Engine.layerTest(answer) }

/** One agent and so many battles, all of which are scored. */
export const campaignWith = (input: Partial<CampaignInput> = {}): CampaignInput => ({
  name: "invented",
  repeat: 1,
  concurrency: 1,
  engine: [{ name: "gpu", url: "http://127.0.0.1:9/v1" }],
  agent: [{ name: "my-model", engine: "gpu" }],
  task: [{ id: "greeting", prompt: "Greet.", grader: { kind: "text", match: "contains", expected: "world" } }],
  ...input
})
