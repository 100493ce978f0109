package io.tally.testing;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;

/** Certificates and keys of the test, made by keytool in a directory of the test. */
public final class Certificates {

    private static final Base64.Encoder LINES = Base64.getMimeEncoder(64, new byte[] {'\n'});
    private static final char[] PASSWORD = "certificates".toCharArray();

    private final Path directory;

    public Certificates(Path directory) {
        this.directory = directory;
    }

    /** Makes an authority, which signs the certificates of others. */
    public void authority(String name) throws Exception {
        keytool("-genkeypair", name, "-keyalg", "RSA", "-ext", "bc:c");
    }

    /** Renews the certificate of an authority, which keeps its key. */
    public void renewAuthority(String name) throws Exception {
        keytool("-selfcert", name, "-ext", "bc:c");
    }

    /** Makes a key and a certificate that an authority signs. */
    public void issue(String name, String authority, String algorithm, String... options) throws Exception {
        List<String> all = new ArrayList<>(List.of("-keyalg", algorithm, "-signer", authority));
        all.addAll(List.of(options));
        keytool("-genkeypair", name, all.toArray(String[]::new));
    }

    /** The certificate in PEM form. */
    public String certificate(String name) throws IOException, GeneralSecurityException {
        return pem("CERTIFICATE", store().getCertificate(name).getEncoded());
    }

    /** The key in PEM form, not encrypted. */
    public String key(String name) throws IOException, GeneralSecurityException {
        return pem("PRIVATE KEY", store().getKey(name, PASSWORD).getEncoded());
    }

    /** Writes the certificate to a file. */
    public Path certificateFile(String name) throws IOException, GeneralSecurityException {
        return Files.writeString(directory.resolve(name + ".crt"), certificate(name));
    }

    /** Writes the key to a file that only its owner may read. */
    public Path keyFile(String name) throws IOException, GeneralSecurityException {
        Path file = Files.writeString(directory.resolve(name + ".key"), key(name));
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    /** A store that trusts an authority only. */
    public KeyStore trusting(String authority) throws IOException, GeneralSecurityException {
        KeyStore trusting = KeyStore.getInstance(KeyStore.getDefaultType());
        trusting.load(null, null);
        trusting.setCertificateEntry(authority, store().getCertificate(authority));
        return trusting;
    }

    /** For a server with one of the certificates. */
    public SSLContext serving(String name) throws IOException, GeneralSecurityException {
        KeyStore served = KeyStore.getInstance(KeyStore.getDefaultType());
        served.load(null, null);
        served.setKeyEntry(name, store().getKey(name, PASSWORD), PASSWORD, store().getCertificateChain(name));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(served, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), null, null);
        return context;
    }

    private void keytool(String command, String name, String... options) throws Exception {
        List<String> line = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                command,
                "-alias",
                name,
                "-dname",
                "CN=" + name,
                "-keystore",
                file().toString(),
                "-storepass",
                new String(PASSWORD)));
        line.addAll(List.of(options));
        int status = new ProcessBuilder(line).inheritIO().start().waitFor();
        if (status != 0) {
            throw new IllegalStateException("keytool ended with status " + status);
        }
    }

    private Path file() {
        return directory.resolve("certificates.p12");
    }

    private KeyStore store() throws IOException, GeneralSecurityException {
        return KeyStore.getInstance(file().toFile(), PASSWORD);
    }

    private static String pem(String type, byte[] bytes) {
        return "-----BEGIN " + type + "-----\n" + LINES.encodeToString(bytes) + "\n-----END " + type + "-----\n";
    }
}
