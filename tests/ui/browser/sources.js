/** Functions that the journeys send. */

import { request } from "node:http";

/** @param {string} answer */
export function source(answer) {
  return `from spin_sdk.http import IncomingHandler as Base, Request, Response


class IncomingHandler(Base):
    def handle_request(self, request: Request) -> Response:
        print("was asked for", request.uri)
        return Response(200, {"content-type": "text/plain"}, b"${answer}")
`;
}

export const WRONG = source("x").replace("return Response(200", "return Response('200'");

/**
 * Call a function of the one-machine cloud.
 *
 * @param {string} cloud  its address
 * @param {string} host
 * @returns {Promise<string>}
 */
export function call(cloud, host) {
  return new Promise((resolve, reject) => {
    const asked = request(cloud, { headers: { host } }, async (answer) => {
      let text = "";
      for await (const part of answer) text += part;
      resolve(text);
    });
    asked.on("error", reject).end();
  });
}
