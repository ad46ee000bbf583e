// SPDX-License-Identifier: Apache-2.0

import java.io.BufferedReader;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Proxy;
import java.net.URL;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

/** Reads lines "PORT NAME FILE": asks https://NAME:PORT/; FILE is the one trusted certificate. */
public final class Client {
    private static SSLContext trusting(String file) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (InputStream in = new FileInputStream(file)) {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            Certificate certificate = factory.generateCertificate(in);
            store.setCertificateEntry("app", certificate);
        }
        TrustManagerFactory managers =
                TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        managers.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, managers.getTrustManagers(), null);
        return context;
    }

    private static String ask(String port, String name, String file) throws Exception {
        URL url = new URL("https://" + name + ":" + port + "/");
        HttpsURLConnection connection = (HttpsURLConnection) url.openConnection(Proxy.NO_PROXY);
        connection.setSSLSocketFactory(trusting(file).getSocketFactory());
        connection.setConnectTimeout(20_000);
        connection.setReadTimeout(20_000);
        try (InputStream in = connection.getInputStream()) {
            in.readAllBytes();
            return "answered " + connection.getResponseCode();
        } catch (IOException e) {
            for (Throwable cause = e; cause != null; cause = cause.getCause()) {
                if (cause instanceof CertificateException) {
                    return "refused " + cause.getMessage();
                }
            }
            return "failed " + e;
        } finally {
            connection.disconnect();
        }
    }

    public static void main(String[] args) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String[] words = line.split(" ");
            System.out.println(ask(words[0], words[1], words[2]).split("\n")[0]);
        }
    }
}
