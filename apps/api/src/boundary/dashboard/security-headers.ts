import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers for every answer. Nothing but this origin is loaded, and neither scripts nor style sheets may be inline: the
 * dashboard's libraries set styles by script, which the policy does not govern, and its editor brings sheets into a
 * shadow root. What promises TLS is left out where there is none.
 */
export function securityHeaders(tls: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        // Text that is replaced in the YAML editor gets style attributes from the browser itself.
        styleSrcAttr: ["'unsafe-inline'"],
        // The icons of /api/docs are in its style sheet.
        imgSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        ...(tls ? { upgradeInsecureRequests: [] } : {}),
      },
    },
    strictTransportSecurity: tls,
    referrerPolicy: { policy: 'no-referrer' },
  });
}
