//! Files on their way to S3, in calls that take effect soon or not at all.
//!
//! A run that has lost its lock may still have requests under way, so whoever takes the lock over waits until they must
//! have arrived (`aws/lock`). An upload may take hours. Therefore a file goes in one PutObject only when that fits into
//! the time of one attempt, and else in parts, which nobody sees until a last, short call puts them together: the fence
//! is asked before each. The bytes that are hashed are the bytes that are sent, so what arrives is what was planned.

use std::io::Read;

use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_sdk_s3::types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, ServerSideEncryption};
use sha2::{Digest, Sha256};

use crate::assets::PART;
use crate::assets::archive::{Archive, broken, open_archive};
use crate::aws::bounds::Bounds;
use crate::aws::error::failed;
use crate::aws::{Account, answer};
use crate::cloud::{CloudError, ErrorKind};
use crate::digest::hex;
use crate::files;
use crate::model::{Address, AssetFile, AssetLocation};

/// The uploads of one asset.
pub(super) struct Uploads<'a> {
    account: &'a Account,
    address: &'a Address,
    s3: &'a aws_sdk_s3::Client,
    bucket: &'a str,
    /// The key that the bucket encrypts with.
    encryption_key: Option<String>,
    /// The archive that the files are in.
    archive: Option<Archive>,
}

impl<'a> Uploads<'a> {
    /// Uploads of `files` to `bucket`.
    ///
    /// # Errors
    /// When they are in an archive that cannot be opened any more.
    pub fn new(
        account: &'a Account,
        address: &'a Address,
        s3: &'a aws_sdk_s3::Client,
        bucket: &'a str,
        encryption_key: Option<String>,
        mut files: impl Iterator<Item = &'a AssetFile>,
    ) -> Result<Self, CloudError> {
        let archive = files.find_map(|file| match &file.location {
            AssetLocation::Zip(path, _) => Some(path),
            AssetLocation::File(_) => None,
        });
        let open = |path: &std::path::PathBuf| {
            open_archive(path).map_err(|error| changed(&path.display().to_string(), &error.to_string()))
        };
        let archive = archive.map(open).transpose()?;
        Ok(Self { account, address, s3, bucket, encryption_key, archive })
    }

    /// Uploads a file under `key`.
    ///
    /// # Errors
    /// That it is not what was planned any more, and what S3 fails with. Nobody sees anything of it then.
    pub async fn send(&self, key: &str, file: &AssetFile) -> Result<(), CloudError> {
        match &file.location {
            AssetLocation::File(path) => {
                let place = path.display().to_string();
                let content = files::open(path).map_err(|error| changed(&place, &error.to_string()))?;
                self.send_content(key, file, &place, content).await
            }
            AssetLocation::Zip(path, index) => {
                let place = format!("{} ({key})", path.display());
                let mut archive = self.archive.clone().ok_or_else(|| changed(&place, "it is not open"))?;
                let member = archive.by_index(*index).map_err(|error| changed(&place, &broken(error).to_string()))?;
                self.send_content(key, file, &place, member).await
            }
        }
    }

    async fn send_content(
        &self,
        key: &str,
        file: &AssetFile,
        place: &str,
        content: impl Read,
    ) -> Result<(), CloudError> {
        let mut content = Content { content, place, hash: Sha256::new(), left: file.size };
        if file.size <= Bounds::IN_TIME {
            let line = &self.account.upstream;
            // Taken before the file is read, and by every attempt anew: none is held while waiting for the next attempt.
            let mut share = line.share(file.size, Bounds::IN_TIME).await;
            let body = content.next(file.size)?;
            content.end(&file.sha256)?;
            let put = async || {
                let _share = match share.take() {
                    None => line.share(file.size, Bounds::IN_TIME).await,
                    first => first,
                };
                let put = self.s3.put_object().bucket(self.bucket).key(key).body(stream(&body));
                let put = put.set_ssekms_key_id(self.encryption_key.clone());
                let put = put.set_server_side_encryption(self.encryption());
                let put = put.metadata("sha256", &file.sha256);
                put.send().await.map_err(|e| failed("PutObject", e)).map(drop)
            };
            return self.account.retry_while_propagating(put).await;
        }
        let create = async || {
            let create = self.s3.create_multipart_upload().bucket(self.bucket).key(key);
            let create = create.set_ssekms_key_id(self.encryption_key.clone());
            let create = create.set_server_side_encryption(self.encryption());
            let create = create.checksum_algorithm(ChecksumAlgorithm::Crc32).metadata("sha256", &file.sha256);
            create.send().await.map_err(|e| failed("CreateMultipartUpload", e))
        };
        let upload = self.account.retry_while_propagating(create).await?.upload_id;
        let upload = answer::member("CreateMultipartUpload", "UploadId", upload)?;
        let sent = async {
            self.give_up_others(key, &upload).await?;
            self.send_parts(key, &upload, file, content).await
        };
        let sent = sent.await;
        if sent.is_err() {
            self.give_up(key, &upload).await;
        }
        sent
    }

    async fn send_parts(
        &self,
        key: &str,
        upload: &str,
        file: &AssetFile,
        mut content: Content<'_, impl Read>,
    ) -> Result<(), CloudError> {
        let mut parts = Vec::new();
        while content.left > 0 {
            let number = i32::try_from(parts.len() + 1).unwrap_or(i32::MAX);
            let line = &self.account.upstream;
            let mut share = line.share(PART, PART).await;
            let body = content.next(PART)?;
            let put = async || {
                let _share = match share.take() {
                    None => line.share(PART, PART).await,
                    first => first,
                };
                let put = self.s3.upload_part().bucket(self.bucket).key(key).upload_id(upload).part_number(number);
                let put = put.checksum_algorithm(ChecksumAlgorithm::Crc32).body(stream(&body)).customize();
                let bounds = self.account.upload_timeouts(PART);
                let bounds = aws_sdk_s3::config::Config::builder().timeout_config(bounds);
                put.config_override(bounds).send().await.map_err(|e| failed("UploadPart", e))
            };
            let part = self.account.retry_while_propagating(put).await?;
            let completed = CompletedPart::builder().part_number(number).set_e_tag(part.e_tag);
            parts.push(completed.set_checksum_crc32(part.checksum_crc32).build());
        }
        content.end(&file.sha256)?;
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        let complete = self.s3.complete_multipart_upload().bucket(self.bucket).key(key).upload_id(upload);
        let complete = complete.multipart_upload(parts).send().await;
        let Err(error) = complete.map_err(|e| failed("CompleteMultipartUpload", e)) else { return Ok(()) };
        // An answer that was lost is asked for again, and then the upload is no more.
        let head = self.s3.head_object().bucket(self.bucket).key(key).send().await;
        let is_there = head.is_ok_and(|head| head.metadata().and_then(|said| said.get("sha256")) == Some(&file.sha256));
        if is_there { Ok(()) } else { Err(error) }
    }

    /// Gives up what was begun and never finished, by earlier runs or by a call whose answer was lost: it is paid for and
    /// shows in no list of objects. It keeps a run that has lost its lock from finishing later, too.
    async fn give_up_others(&self, key: &str, own: &str) -> Result<(), CloudError> {
        let list = self.s3.list_multipart_uploads().bucket(self.bucket).prefix(key).send().await;
        let listed = match list.map_err(|e| failed("ListMultipartUploads", e)) {
            // A role that was given may not be allowed to; nothing but tidiness hangs on it.
            Err(error) if error.kind == ErrorKind::Denied => {
                let message = format!("what an earlier run may have uploaded by halves is not looked for: {error}");
                self.account.notice(Some(self.address), message);
                return Ok(());
            }
            other => other?,
        };
        let others = listed.uploads().iter().filter(|upload| upload.key() == Some(key));
        for other in others.filter_map(|upload| upload.upload_id()).filter(|id| *id != own) {
            self.give_up(key, other).await;
        }
        Ok(())
    }

    async fn give_up(&self, key: &str, upload: &str) {
        let abort = self.s3.abort_multipart_upload().bucket(self.bucket).key(key).upload_id(upload).send().await;
        match abort.map_err(|e| failed("AbortMultipartUpload", e)) {
            Err(error) if error.kind != ErrorKind::NotFound => {
                let message = format!(
                    "the parts of {key} that were uploaded are still stored and paid for ({error}): `aws s3api \
                     abort-multipart-upload --bucket {} --key '{key}' --upload-id {upload}`, or apply again",
                    self.bucket
                );
                self.account.notice(Some(self.address), message);
            }
            _ => {}
        }
    }

    fn encryption(&self) -> Option<ServerSideEncryption> {
        self.encryption_key.as_ref().map(|_| ServerSideEncryption::AwsKms)
    }
}

/// A file as it is read for an upload.
struct Content<'a, R> {
    content: R,
    place: &'a str,
    hash: Sha256,
    /// How much there must still be.
    left: u64,
}

impl<R: Read> Content<'_, R> {
    /// The next bytes, `size` of them unless the file ends.
    fn next(&mut self, size: u64) -> Result<SdkBody, CloudError> {
        let size = size.min(self.left);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
        let read = self.content.by_ref().take(size).read_to_end(&mut bytes);
        read.map_err(|error| changed(self.place, &error.to_string()))?;
        if bytes.len() as u64 != size {
            return Err(changed(self.place, "it is shorter"));
        }
        self.hash.update(&bytes);
        self.left -= size;
        Ok(SdkBody::from(bytes))
    }

    /// Makes sure that what was read is all that there is, and what was planned.
    fn end(&mut self, sha256: &str) -> Result<(), CloudError> {
        let more = self.content.by_ref().take(1).read_to_end(&mut Vec::new());
        match more.map_err(|error| changed(self.place, &error.to_string()))? {
            0 if hex(&self.hash.clone().finalize()) == sha256 => Ok(()),
            0 => Err(changed(self.place, "its content is another")),
            _ => Err(changed(self.place, "it is longer")),
        }
    }
}

/// The failure of a file that is not what was planned.
fn changed(place: &str, how: &str) -> CloudError {
    let message = format!("changed since the plan was made, and was not uploaded: {how}; plan again");
    CloudError::new(ErrorKind::Invalid, format!("read {place}"), message)
}

/// The body of a request, for as many attempts as it takes: they share the bytes.
fn stream(body: &SdkBody) -> ByteStream {
    ByteStream::new(body.try_clone().expect("what is in memory can be sent again"))
}

#[cfg(feature = "sandbox")]
#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::assets::archive::digest;
    use crate::model::Kind;
    use crate::naming::Names;
    use studio_sandbox::Sandbox;

    async fn account(sandbox: &Sandbox) -> Account {
        let deployment = crate::testing::deployment();
        let names = Names::new(&deployment).unwrap();
        let account = Account::new(&sandbox.sdk_config().build(), true, deployment, names, Box::new(|_| {}));
        account.s3.create_bucket().bucket("home").send().await.unwrap();
        account
    }

    fn planned(path: &Path) -> AssetFile {
        let size = fs::metadata(path).unwrap().len();
        let sha256 = digest(files::open(path).unwrap(), size).unwrap();
        AssetFile { sha256, size, location: AssetLocation::File(path.to_owned()) }
    }

    async fn send(account: &Account, file: &AssetFile) -> Result<(), CloudError> {
        let address = Address::new(Kind::BucketObject, "jupyterLab/tools");
        let uploads = Uploads::new(account, &address, &account.s3, "home", None, [file].into_iter()).unwrap();
        uploads.send("key", file).await
    }

    /// Puts `content` into a file, or more of the last byte for one that goes in parts.
    fn write(path: &Path, content: &[u8], large: bool) {
        let mut content = content.to_vec();
        if large {
            content.resize(content.len() + usize::try_from(PART).unwrap(), b'.');
        }
        fs::write(path, content).unwrap();
    }

    #[tokio::test]
    async fn what_is_uploaded_is_what_was_planned_or_nothing() {
        let change: [(fn(&Path, bool), &str); 6] = [
            (|path, large| write(path, b"another", large), "another"),
            (|path, large| write(path, b"longer and longer", large), "longer"),
            (|path, large| write(path, b"x", large), "shorter"),
            (|path, _| fs::remove_file(path).unwrap(), "No such file"),
            (|path, _| fs::remove_file(path).and_then(|()| fs::create_dir(path)).unwrap(), "directory"),
            (
                |path, _| {
                    fs::remove_file(path).unwrap();
                    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
                },
                "a named pipe",
            ),
        ];
        for large in [false, true] {
            for (change, said) in change {
                let (sandbox, folder) = (Sandbox::in_memory(), tempfile::tempdir().unwrap());
                let account = account(&sandbox).await;
                let path = folder.path().join("file");
                write(&path, b"planned", large);
                let file = planned(&path);
                change(&path, large);
                let error = send(&account, &file).await.unwrap_err();
                let message = error.to_string();
                assert!(message.contains("changed since the plan was made") && message.contains(said), "{message}");
                let listed = account.s3.list_objects_v2().bucket("home").send().await.unwrap();
                let begun = account.s3.list_multipart_uploads().bucket("home").send().await.unwrap();
                assert!(listed.contents().is_empty() && begun.uploads().is_empty(), "{said}, large: {large}");
            }
        }
    }

    #[tokio::test]
    async fn a_large_file_arrives_whole_and_leaves_no_parts() {
        let (sandbox, folder) = (Sandbox::in_memory(), tempfile::tempdir().unwrap());
        let account = account(&sandbox).await;
        // One that an earlier run left behind, and one of another key.
        for key in ["key", "key of another"] {
            account.s3.create_multipart_upload().bucket("home").key(key).send().await.unwrap();
        }
        let path = folder.path().join("file");
        write(&path, &[b'x'; 100], true);
        let file = planned(&path);
        send(&account, &file).await.unwrap();
        let calls = sandbox.calls();
        let count = |operation: &str| calls.iter().filter(|call| call.operation == operation).count();
        assert_eq!((count("PutObject"), count("UploadPart"), count("AbortMultipartUpload")), (0, 2, 1));
        let object = account.s3.get_object().bucket("home").key("key").send().await.unwrap();
        assert_eq!(object.metadata().unwrap()["sha256"], file.sha256);
        let body = object.body.collect().await.unwrap().to_vec();
        assert_eq!(digest(body.as_slice(), file.size).unwrap(), file.sha256);
        let begun = account.s3.list_multipart_uploads().bucket("home").send().await.unwrap();
        assert_eq!(begun.uploads().iter().filter_map(|upload| upload.key()).collect::<Vec<_>>(), ["key of another"]);
    }

    #[tokio::test]
    async fn a_run_that_lost_its_lock_puts_nothing_in_place() {
        let (sandbox, folder) = (Sandbox::in_memory(), tempfile::tempdir().unwrap());
        let account = account(&sandbox).await;
        for large in [false, true] {
            let path = folder.path().join("file");
            write(&path, b"x", large);
            let file = planned(&path);
            account.fence.lose();
            assert_eq!(send(&account, &file).await.unwrap_err().kind, ErrorKind::NotHeld);
            let calls = sandbox.calls();
            assert!(calls.iter().all(|call| !call.writes || call.operation == "CreateBucket"), "{calls:?}");
        }
    }
}
