# Writes the public headers to <build>/include/tegula as they are installed. In the tree a header
# includes another from the root of the tree; a program includes <tegula/tegula.h>:
#
#   engine/tegula.h              ->  tegula/tegula.h
#   engine/tegula_unstable.h     ->  tegula/tegula_unstable.h
#   codec/base/status.h          ->  tegula/codec/base/status.h

set(teg_public_headers engine/tegula.h engine/tegula_unstable.h codec/base/status.h
	codec/base/allocator.h)
set(teg_staged_include "${PROJECT_BINARY_DIR}/include")

foreach(header ${teg_public_headers})
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${header}")
	file(READ "${PROJECT_SOURCE_DIR}/${header}" text)
	string(REPLACE "#include \"engine/" "#include \"tegula/" text "${text}")
	string(REPLACE "#include \"codec/" "#include \"tegula/codec/" text "${text}")
	string(REGEX REPLACE "^engine/" "" path "${header}")
	file(CONFIGURE OUTPUT "${teg_staged_include}/tegula/${path}" CONTENT "${text}" @ONLY)
endforeach()
