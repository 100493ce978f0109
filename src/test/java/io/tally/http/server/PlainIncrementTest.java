package io.tally.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.handler.codec.http.DefaultHttpHeaders;
import io.netty.handler.codec.http.HttpHeaders;
import io.netty.handler.codec.http.HttpMethod;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlainIncrementTest {

    private static final String PATH = "/v1/counters/shop/stock/increments";

    @ParameterizedTest
    @ValueSource(
            strings = {
                PATH,
                "/v1/counters/a/b/increments",
                "/v1/counters/a-z.A_Z/user:17~x/increments",
                "/v1/counters/increments/increments/increments"
            })
    void pathsInWhichNothingIsEscapedArePlain(String path) {
        assertThat(PlainIncrement.isOne(HttpMethod.POST, path, headers())).isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/v1/counters/shop/increments",
                "/v1/counters/increments",
                "/v1/counters//stock/increments",
                "/v1/counters/shop//increments",
                "/v1/counters/shop/a/b/increments",
                "/v1/counters/shop/stock/increments/",
                "/v1/counters/shop/stock/increments?x=1",
                "/v1/counters/shop/stock?x=/increments",
                "/v1/counters/shop/sto%63k/increments",
                "/v1/counters/shop/st;ck/increments",
                "/v1/counters/shop/st\u00fcck/increments",
                "/v1/counters/shop/stock#/increments",
                "/v1/counters/shop/[stock/increments",
                "http://tally/v1/counters/shop/stock/increments",
                "//v1/counters/shop/stock/increments",
                "/v1/increments",
                "*"
            })
    void otherPathsAreNot(String path) {
        assertThat(PlainIncrement.isOne(HttpMethod.POST, path, headers())).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"GET", "PUT", "OPTIONS", "HEAD", "post"})
    void otherMethodsAreNot(String method) {
        assertThat(PlainIncrement.isOne(new HttpMethod(method), PATH, headers()))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "Host, tally",
        "Idempotency-Key, a",
        "Accept, */*",
        "Accept, application/json",
        "Content-Length, 0",
        "Content-Type, application/x-www-form-urlencoded",
        "User-Agent, wrk",
        "Traceparent, 00-1-2-01"
    })
    void whatMostClientsSendIsPlain(String name, String value) {
        assertThat(PlainIncrement.isOne(HttpMethod.POST, PATH, headers().add(name, value)))
                .isTrue();
    }

    @ParameterizedTest
    @CsvSource({
        "If-Match, \"1\"",
        "If-None-Match, *",
        "Origin, https://shop.example",
        "Expect, 100-continue",
        "Transfer-Encoding, chunked",
        "Content-Encoding, gzip",
        "Host, a b",
        "Prefer, int64=string",
        "prefer, return=minimal",
        "Accept, text/html",
        "Accept, 'application/json;q=0'",
        "Content-Length, 11"
    })
    void whatHasToBeLookedAtIsNot(String name, String value) {
        assertThat(PlainIncrement.isOne(HttpMethod.POST, PATH, headers().add(name, value)))
                .isFalse();
    }

    @ParameterizedTest
    @CsvSource({
        "application/json, 11, true",
        "Application/JSON, 999, true",
        "application/json, 1000, false",
        "'application/json;charset=utf-8', 11, false",
        "text/plain, 11, false",
        "application/json, 0, true",
        "application/json, 00, false",
        "application/json, 011, false"
    })
    void aLittleJsonIsPlain(String type, String length, boolean plain) {
        HttpHeaders headers = headers().add("Content-Type", type).add("Content-Length", length);
        assertThat(PlainIncrement.isOne(HttpMethod.POST, PATH, headers)).isEqualTo(plain);
    }

    @Test
    void aSecondAcceptMayChangeWhatTheFirstSays() {
        HttpHeaders headers = headers().add("Accept", "*/*").add("Accept", "application/json;q=0");
        assertThat(PlainIncrement.isOne(HttpMethod.POST, PATH, headers)).isFalse();
    }

    private static HttpHeaders headers() {
        return new DefaultHttpHeaders();
    }
}
