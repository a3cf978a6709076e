import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * Headers for every answer. Nothing but this origin is loaded, and neither scripts nor styles may be inline: the
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
