/**
 * Unpacks Chromium and the libraries that it needs into the folder for temporary files (TMPDIR). The libraries come
 * along only where the package believes itself to be in a Lambda function: AWS_EXECUTION_ENV.
 */
import chromium from "@sparticuz/chromium";

await chromium.executablePath();
