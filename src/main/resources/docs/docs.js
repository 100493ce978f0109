"use strict";

// The file is read here, and not by Swagger UI, to set the server: a proxy may serve this page under a prefix.
async function show() {
  const response = await fetch("openapi.json");
  if (!response.ok) {
    throw new Error(`openapi.json: ${response.status}`);
  }
  const spec = await response.json();
  spec.servers = [{ url: new URL(".", window.location.href).pathname, description: "This instance." }];
  SwaggerUIBundle({
    spec,
    dom_id: "#swagger-ui",
    deepLinking: true,
    defaultModelsExpandDepth: 0,
    docExpansion: "list",
    // No service elsewhere sees the file.
    validatorUrl: null,
  });
}

show();
