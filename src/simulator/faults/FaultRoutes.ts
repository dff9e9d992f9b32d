/**
 * The admin endpoints of faults: what is in force, more of them, fewer of them, and the whole catalogue.
 *
 * `GET /sim/faults` lists what is in force; `POST /sim/faults` adds what its body says, either the text of faults or
 * JSON like `{"fault": "engine-hang:for=30"}`; `DELETE /sim/faults` takes all away, `DELETE /sim/faults/ID` one, and what
 * they began ends. `GET /sim/fault-catalogue` is what `campaign sim --list-faults --json` prints.
 *
 * They are answered whatever else is not: a server that is silent or asleep still has to be told when to stop being so.
 * Only while connections are refused nobody can be told anything; faults that refuse them should have an end.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { badRequest } from "../ErrorBody.ts"
import * as RequestBody from "../RequestBody.ts"
import type { FaultBoard } from "./FaultBoard.ts"
import { catalogueJson } from "./FaultCatalogue.ts"
import * as FaultSpecification from "./FaultSpecification.ts"

const { jsonUnsafe } = HttpServerResponse

const Body = Schema.fromJsonString(Schema.Struct({ fault: Schema.String }))
const decodeBody = Schema.decodeUnknownOption(Body)

const refuse = (message: string) => jsonUnsafe(badRequest(message), { status: 400 })

const add = (board: FaultBoard) =>
  Effect.gen(function*() {
    const text = yield* RequestBody.readText(yield* HttpServerRequest.HttpServerRequest)
    if (Result.isFailure(text)) return jsonUnsafe(text.failure, { status: text.failure.error.code })
    const body = text.success
    const written = Option.match(decodeBody(body), { onNone: () => body, onSome: ({ fault }) => fault })
    if (written.trim().startsWith("{")) {
      return refuse("the body must be the text of a fault, or JSON like {\"fault\": \"engine-hang:for=30\"}")
    }
    const read = FaultSpecification.read(written)
    if (Result.isFailure(read)) return refuse(read.failure)
    if (read.success.length === 0) return refuse("there is no fault in the body; `GET /sim/fault-catalogue` lists all")
    const ids = yield* board.add(read.success.map(FaultSpecification.atOnce))
    return jsonUnsafe(ids.map((id, index) => ({ id, fault: read.success[index]!.text })), { status: 201 })
  })

const removeOne = (board: FaultBoard) =>
  Effect.gen(function*() {
    const { id } = yield* HttpRouter.params
    const removed = yield* board.remove(Number(id))
    return removed
      ? HttpServerResponse.empty({ status: 204 })
      : jsonUnsafe({ detail: `There is no fault ${id} in force.` }, { status: 404 })
  })

export const make = (board: FaultBoard) =>
  Layer.mergeAll(
    HttpRouter.add("GET", "/sim/faults", Effect.map(board.list, (faults) => jsonUnsafe(faults))),
    HttpRouter.add("POST", "/sim/faults", add(board)),
    HttpRouter.add("DELETE", "/sim/faults", Effect.as(board.clear, HttpServerResponse.empty({ status: 204 }))),
    HttpRouter.add("DELETE", "/sim/faults/:id", removeOne(board)),
    HttpRouter.add("GET", "/sim/fault-catalogue", jsonUnsafe(catalogueJson))
  )
