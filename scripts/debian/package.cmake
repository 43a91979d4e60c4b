# The Debian package: what is installed where, and how cpack makes the .deb. Manual pages and completions are printed by the
# programs themselves, from the tables their help is made of. Used by the release preset alone.
set(MAIL_MAINTAINER "The maild authors <maild@example.org>" CACHE STRING "Maintainer named in the package")
set(into ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${into})

# printed(FILE COMMAND...): FILE holds what the command prints.
function(printed file)
    add_custom_command(OUTPUT ${into}/${file} COMMAND ${ARGN} > ${into}/${file} DEPENDS maild mailctl VERBATIM)
endfunction()
# compressed(FILE): FILE.gz, the same bytes every time.
function(compressed file)
    add_custom_command(OUTPUT ${into}/${file}.gz COMMAND gzip -9nkf ${into}/${file} DEPENDS ${into}/${file} VERBATIM)
endfunction()
printed(maild.8 maild __man)
printed(mailctl.1 mailctl __man)
printed(maild-documents.5 mailctl __man documents)
printed(mailctl.bash mailctl completion bash)
printed(_mailctl mailctl completion zsh)
printed(mailctl.fish mailctl completion fish)
foreach(page maild.8 mailctl.1 maild-documents.5)
    compressed(${page})
endforeach()

string(TIMESTAMP MAIL_PACKAGE_DATE "%a, %d %b %Y 00:00:00 +0000" UTC)
configure_file(${CMAKE_CURRENT_LIST_DIR}/changelog.in ${into}/changelog @ONLY)
compressed(changelog)
add_custom_target(package_files ALL DEPENDS ${into}/maild.8.gz ${into}/mailctl.1.gz ${into}/maild-documents.5.gz
    ${into}/mailctl.bash ${into}/_mailctl ${into}/mailctl.fish ${into}/changelog.gz)

set(CMAKE_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
install(TARGETS maild RUNTIME DESTINATION sbin)
install(TARGETS mailctl RUNTIME DESTINATION bin)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/maild.service DESTINATION /lib/systemd/system)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/maild.yaml DESTINATION /etc/maild)
install(FILES ${into}/maild.8.gz DESTINATION share/man/man8)
install(FILES ${into}/mailctl.1.gz DESTINATION share/man/man1)
install(FILES ${into}/maild-documents.5.gz DESTINATION share/man/man5)
install(FILES ${into}/mailctl.bash DESTINATION share/bash-completion/completions RENAME mailctl)
install(FILES ${into}/_mailctl DESTINATION share/zsh/vendor-completions)
install(FILES ${into}/mailctl.fish DESTINATION share/fish/vendor_completions.d)
install(FILES ${CMAKE_CURRENT_LIST_DIR}/copyright ${CMAKE_SOURCE_DIR}/LICENSE ${CMAKE_SOURCE_DIR}/README.md
    DESTINATION share/doc/maild)
install(FILES ${into}/changelog.gz DESTINATION share/doc/maild)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME maild)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "${MAIL_MAINTAINER}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "mail server for SMTP, IMAP and POP3 with its command line")
set(CPACK_PACKAGE_DESCRIPTION "maild takes in, keeps, shows and sends mail: SMTP with a queue,
submission, LMTP, IMAP and POP3 over one durable store. What it answered
250 to is on disk. mailctl configures and inspects it at run time, by
single commands or from YAML that is made true in one transaction.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION mail)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.62)")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "ca-certificates, dns-root-data")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_CURRENT_LIST_DIR}/postinst ${CMAKE_CURRENT_LIST_DIR}/prerm
    ${CMAKE_CURRENT_LIST_DIR}/postrm ${CMAKE_CURRENT_LIST_DIR}/conffiles)
include(CPack)
