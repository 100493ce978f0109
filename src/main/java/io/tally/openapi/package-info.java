/** The OpenAPI file of the API, and the page that shows it. */
@NullMarked
package io.tally.openapi;

import org.jspecify.annotations.NullMarked;
