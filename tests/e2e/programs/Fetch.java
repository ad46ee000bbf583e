// SPDX-License-Identifier: Apache-2.0

import java.io.InputStream;
import java.net.URL;

/** A program that knows nothing of certificates: prints what an address answers. */
public final class Fetch {
    public static void main(String[] args) throws Exception {
        try (InputStream in = new URL("https://app.example.org/").openStream()) {
            in.transferTo(System.out);
        }
    }
}
