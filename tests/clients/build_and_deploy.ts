// Builds a source and deploys it, typed by what openapi-typescript makes of docs/openapi.json.
//
// Usage: node build_and_deploy.js API FILE NAME. Prints the endpoint of the app.
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Task = components["schemas"]["Task"];

const [api = "", path = "", name = ""] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: api });
const workspace = "typescript";

function given<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) {
    throw new Error(JSON.stringify(answer.error));
  }
  return answer.data;
}

async function build(file: File): Promise<Task> {
  const created = given(
    await client.POST("/api/v1/build-and-push", {
      // A file is text in the types (format: binary); the serializer below sends the file itself.
      body: { file: file.name, workspace_id: workspace, app_name: name },
      bodySerializer(fields) {
        const form = new FormData();
        form.set("file", file);
        form.set("workspace_id", fields.workspace_id);
        form.set("app_name", fields.app_name ?? "");
        return form;
      },
    }),
  );
  for (;;) {
    const task = given(
      await client.GET("/api/v1/tasks/{task_id}", {
        params: { path: { task_id: created.task_id }, query: { workspace_id: workspace, wait: 20 } },
      }),
    );
    if (task.status === "done" || task.status === "failed") {
      return task;
    }
  }
}

const task = await build(new File([await readFile(path)], basename(path)));
if (task.result === undefined || task.result === null) {
  throw new Error(task.error ?? "the task has no result");
}
const app = given(
  await client.POST("/api/v1/deploy", {
    body: { namespace: "default", app_name: name, image_ref: task.result.image_url, wait: true },
  }),
);
console.log(app.endpoint);
